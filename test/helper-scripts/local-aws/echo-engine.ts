import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A container engine with one image: its function answers with its event and the variable GREETING. As in a real
 * container there are only the variables that the engine was told of.
 */
export class EchoEngine {
  readonly folder = mkdtempSync(join(tmpdir(), 'echo-engine-'));
  readonly program = join(this.folder, 'engine');

  constructor() {
    const script = join(this.folder, 'engine.mjs');
    writeFileSync(script, source);
    writeFileSync(this.program, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`);
    chmodSync(this.program, 0o755);
    writeFileSync(join(this.folder, 'calls'), '');
  }

  /** The command lines, in order. */
  get calls(): readonly (readonly string[])[] {
    const lines = readFileSync(join(this.folder, 'calls'), 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line));
  }
}

const source = `
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
const args = process.argv.slice(2);
appendFileSync(join(import.meta.dirname, 'calls'), JSON.stringify(args) + '\\n');
if (args[0] === 'run') {
  const names = args.flatMap((arg) => (arg.startsWith('--env=') ? [arg.slice(6)] : []));
  const variables = Object.fromEntries(names.map((name) => [name, process.env[name]]));
  const api = 'http://' + variables.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/invocation/';
  for (;;) {
    const next = await fetch(api + 'next');
    if (next.status !== 200) process.exit(0);
    const id = next.headers.get('lambda-runtime-aws-request-id');
    const body = JSON.stringify({ event: await next.json(), greeting: variables.GREETING });
    await fetch(api + id + '/response', { method: 'POST', body });
  }
}
`;
