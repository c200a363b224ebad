import { resolve } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { LocalRun } from '../../helper-scripts/local/local-run.process.ts';
import { freePort } from '../support/free-port.ts';
import { runnerEnvironment, runnerUnderTest } from '../support/runner-under-test.ts';
import { authenticity } from './scenarios/authenticity.ts';
import { bothTypes } from './scenarios/both-types.ts';
import { cancellation } from './scenarios/cancellation.ts';
import { destruction } from './scenarios/destruction.ts';
import { duplicatesAndOrder } from './scenarios/duplicates.ts';
import { endedByHand } from './scenarios/ended-by-hand.ts';
import { gitlabOutage } from './scenarios/gitlab-outage.ts';
import { gitlabTrouble } from './scenarios/gitlab-trouble.ts';
import { hookFaults } from './scenarios/hook-faults.ts';
import { interruptions } from './scenarios/interruptions.ts';
import { longLivedRunner } from './scenarios/long-lived-runner.ts';
import { missingCapacity } from './scenarios/missing-capacity.ts';
import { rightRunner } from './scenarios/right-runner.ts';
import { routing } from './scenarios/routing.ts';
import { secrecy } from './scenarios/secrecy.ts';
import { strays } from './scenarios/strays.ts';
import { ticketThief } from './scenarios/ticket-thief.ts';
import { World } from './world.ts';

let run: LocalRun | undefined;
let world: World;

beforeAll(async () => {
  const { kind } = await runnerUnderTest();
  run = new LocalRun({
    folder: resolve(import.meta.dirname, `../../.local/end-to-end-with-${kind}`),
    awsPort: await freePort(),
    gitlabPort: await freePort(),
    bootDelayMilliseconds: 1_000,
    longLivedRunnerTags: ['long-lived'],
    // What is tested must not depend on whether a container engine or a gitlab-runner is there.
    environment: { ...runnerEnvironment, LOCAL_LAMBDA_PACKAGING: 'zip' },
  });
  await run.start((line) => {
    if (/cdk|Local|Package of|jobs run with/.test(line)) console.log(`end to end: ${line}`);
  });
  // Deploying needs more rights than running: from here on every missing grant is an error.
  await run.aws.enforceIam(true);
  world = new World(run);
});

afterAll(() => run?.stop());

describe('the whole path on a local AWS with IAM enforced', () => {
  const theWorld = () => world;
  describe('both runner types', () => bothTypes(theWorld));
  describe('the right runner', () => rightRunner(theWorld));
  describe('trouble with GitLab', () => gitlabTrouble(theWorld));
  describe('a long-lived runner', () => longLivedRunner(theWorld));
  describe('interruptions', () => interruptions(theWorld));
  describe('lost and repeated hooks', () => hookFaults(theWorld));
  describe('GitLab out of reach', () => gitlabOutage(theWorld));
  describe('no capacity for one profile', () =>
    missingCapacity(theWorld, () => {
      describe('a thief of tickets', () => ticketThief(theWorld));
      describe('routing and caps', () => routing(theWorld));
      describe('duplicates and order', () => duplicatesAndOrder(theWorld));
      describe('cancellation', () => cancellation(theWorld));
      describe('authenticity', () => authenticity(theWorld));
    }));
  describe('what is ended by hand', () => endedByHand(theWorld));
  describe('what nothing accounts for', () => strays(theWorld));
  describe('secrecy', () => secrecy(theWorld));
  // The last one: it takes the autoscaler away.
  describe('destruction', () => destruction(theWorld));
});
