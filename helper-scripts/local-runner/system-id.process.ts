import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deriveSystemId, isSystemId, randomSystemId } from './runner-identity.ts';
import type { RunnerLog } from './runner-log.process.ts';

const systemIdFile = '.runner_system_id';

/**
 * The id by which GitLab tells the hosts of one runner apart: from the file beside the config file, which is written
 * when it is missing; else from the machine.
 */
export function findSystemId(configFile: string | undefined, log: RunnerLog): string {
  if (configFile === undefined) return machineSystemId();
  const path = join(dirname(configFile), systemIdFile);
  const known = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  if (isSystemId(known)) return known;
  const id = machineSystemId();
  log.info('Created missing unique system ID', { system_id: id });
  // Beside /dev/stdin there is no place for it, and the id only has to last for this run.
  if (!path.startsWith('/dev/')) writeFileSync(path, id, { mode: 0o600 });
  return id;
}

function machineSystemId(): string {
  for (const path of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
    const machineId = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
    if (machineId !== '') return deriveSystemId(machineId);
  }
  return randomSystemId(randomBytes(16));
}
