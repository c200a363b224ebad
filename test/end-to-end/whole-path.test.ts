import { describe } from 'vitest';
import { ownWorld } from './own-world.ts';
import { authenticity } from './scenarios/authenticity.ts';
import { bothTypes } from './scenarios/both-types.ts';
import { cancellation } from './scenarios/cancellation.ts';
import { destruction } from './scenarios/destruction.ts';
import { duplicatesAndOrder } from './scenarios/duplicates.ts';
import { endedByHand } from './scenarios/ended-by-hand.ts';
import { hookFaults } from './scenarios/hook-faults.ts';
import { longLivedRunner } from './scenarios/long-lived-runner.ts';
import { missingCapacity } from './scenarios/missing-capacity.ts';
import { rightRunner } from './scenarios/right-runner.ts';
import { routing } from './scenarios/routing.ts';
import { secrecy } from './scenarios/secrecy.ts';
import { strays } from './scenarios/strays.ts';
import { ticketThief } from './scenarios/ticket-thief.ts';

describe('the whole path on a local AWS with IAM enforced', () => {
  const theWorld = ownWorld('end-to-end');
  describe('both runner types', () => bothTypes(theWorld));
  describe('the right runner', () => rightRunner(theWorld));
  describe('a long-lived runner', () => longLivedRunner(theWorld));
  describe('lost and repeated hooks', () => hookFaults(theWorld));
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
