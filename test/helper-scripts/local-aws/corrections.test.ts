import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { ensurePythonEnvironment } from '../../../helper-scripts/local-aws/python-environment.process.ts';
import { EchoEngine } from './echo-engine.ts';
import { repository, startTestAws } from './start-test-aws.ts';

const folder = join(repository, 'helper-scripts/local-aws');
const modules = join(folder, 'corrections');
const corrections = readdirSync(modules)
  .filter((file) => /^def probe\(/m.test(readFileSync(join(modules, file), 'utf8')))
  .map((file) => basename(file, '.py'));

type Answers = Readonly<Record<string, boolean | string>>;

/**
 * Starts a server and asks it each probe: true where AWS's behaviour is found, false where it is not, a text when a
 * probe broke.
 */
async function askProbes(stock: boolean): Promise<Answers> {
  const python = await ensurePythonEnvironment({ log: console.log });
  await using aws = await startTestAws({ stock, environment: { LOCAL_CONTAINER_ENGINE: new EchoEngine().program } });
  const args = [join(folder, 'probe.py'), '--endpoint', aws.endpoint, '--pid', String(aws.pid)];
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
  const { stdout } = await promisify(execFile)(python, args, { env });
  return JSON.parse(stdout);
}

/** Changes something in MiniStack, then applies one correction to it. */
async function applyAfter(change: string, name: string): Promise<unknown> {
  const python = await ensurePythonEnvironment({ log: console.log });
  const program = `${change}; import corrections; corrections.load('${name}').apply()`;
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
  return promisify(execFile)(python, ['-c', program], { env, cwd: folder });
}

describe('a correction of a MiniStack that has changed', () => {
  test('refuses a function with other parameters, and says which', async () => {
    const change = 'from ministack.services import stepfunctions as s; s._invoke_resource = lambda resource: None';
    await expect(applyAfter(change, 'states_lambda_event')).rejects.toThrow(
      /cannot correct .*stepfunctions\._invoke_resource: expected parameters \(resource, input_data\)/,
    );
  });

  test('refuses a program text without the passage that it replaces', async () => {
    const change = "from ministack.core import lambda_runtime as l; l._NODEJS_WORKER_SCRIPT = ''";
    await expect(applyAfter(change, 'lambda_errors')).rejects.toThrow(/cannot correct .*_NODEJS_WORKER_SCRIPT/);
  });

  test('refuses to add a type that MiniStack knows by now', async () => {
    const change =
      "from ministack.services.cloudformation import provisioners as p; p._RESOURCE_HANDLERS['AWS::Events::Archive'] = {}";
    await expect(applyAfter(change, 'cfn_events_archive')).rejects.toThrow(/expected the type to be unknown/);
  });
});

describe('the corrections of MiniStack', () => {
  let corrected: Answers = {};
  let stock: Answers = {};

  beforeAll(async () => {
    [corrected, stock] = await Promise.all([askProbes(false), askProbes(true)]);
  }, 120_000);

  test('are all asked, and all in the list of those that are applied', () => {
    expect(corrections.length).toBeGreaterThan(0);
    expect(Object.keys(corrected).sort()).toEqual(corrections.sort());
  });

  test.each(corrections)('%s makes the local AWS behave like AWS', (name) => {
    expect(corrected[name]).toBe(true);
  });

  test.each(corrections)('%s is still needed: MiniStack as it comes behaves otherwise', (name) => {
    expect(stock[name]).toBe(false);
  });
});
