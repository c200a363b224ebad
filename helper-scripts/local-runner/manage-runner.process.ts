import { readFileSync, writeFileSync } from 'node:fs';
import { newCorrelationId } from './job-protocol.client.ts';
import type { RunnerApi } from './runner-api.client.ts';
import type { RunnerInfo } from './runner-identity.ts';
import type { RunnerLog } from './runner-log.process.ts';
import { type RunnerSettings, removeRunners, shortenToken } from './runner-settings.ts';

/** What `verify` and `unregister` need for one runner. */
export interface ManagedRunner {
  readonly settings: RunnerSettings;
  readonly systemId: string;
  readonly info: RunnerInfo;
  readonly api: RunnerApi;
  readonly log: RunnerLog;
}

/** `gitlab-runner verify`. @returns whether GitLab knows every runner. */
export async function verifyRunners(runners: readonly ManagedRunner[]): Promise<boolean> {
  const known = [];
  for (const { settings, systemId, info, api, log } of runners) {
    const correlationId = newCorrelationId();
    const answer = await api.call({
      method: 'POST',
      path: 'runners/verify',
      headers: {
        Accept: 'application/json',
        'Content-Type': 'application/json',
        'RUNNER-TOKEN': settings.token,
      },
      body: JSON.stringify({ info, token: settings.token, system_id: systemId }),
      correlationId,
    });
    const fields = nameFields(settings, correlationId);
    const valid = answer.status === 200;
    if (valid) log.info('Verifying runner... is valid', fields);
    else if (answer.status === 403) log.error('Verifying runner... is removed', fields);
    else log.warn('Verifying runner... failed', { ...fields, status: answer.statusText });
    known.push(valid);
  }
  return known.every(Boolean);
}

/**
 * `gitlab-runner unregister`: takes this host off a runner with a `glrt-` token, whose record stays; deletes a runner
 * with an older token. Then rewrites the config file.
 * @returns whether all of them are gone.
 */
export async function unregisterRunners(
  runners: readonly ManagedRunner[],
  configFile: string | undefined,
  log: RunnerLog,
): Promise<boolean> {
  const gone = new Set<string>();
  for (const { settings, systemId, api, log: runnerLog } of runners) {
    const correlationId = newCorrelationId();
    const manager = settings.token.startsWith('glrt-');
    const answer = await api.call({
      method: 'DELETE',
      path: manager ? 'runners/managers' : 'runners',
      headers: { 'Content-Type': 'application/json', 'RUNNER-TOKEN': settings.token },
      body: JSON.stringify({ token: settings.token, ...(manager ? { system_id: systemId } : {}) }),
      correlationId,
    });
    const what = manager ? 'Unregistering runner manager' : 'Unregistering runner';
    const fields = nameFields(settings, correlationId);
    if (answer.status === 204) {
      runnerLog.info(`${what} from GitLab succeeded`, fields);
      gone.add(settings.name);
    } else runnerLog.error(`${what} from GitLab failed`, { ...fields, status: answer.statusText });
  }
  if (configFile !== undefined && gone.size > 0) {
    writeFileSync(configFile, removeRunners(readFileSync(configFile, 'utf8'), gone), { mode: 0o600 });
    log.info(`Updated ${configFile}`);
  }
  return gone.size === runners.length;
}

function nameFields(settings: RunnerSettings, correlationId: string) {
  return { correlation_id: correlationId, runner: shortenToken(settings.token), runner_name: settings.name };
}
