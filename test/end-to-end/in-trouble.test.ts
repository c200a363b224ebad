import { describe } from 'vitest';
import { ownWorld } from './own-world.ts';
import { gitlabOutage } from './scenarios/gitlab-outage.ts';
import { gitlabTrouble } from './scenarios/gitlab-trouble.ts';
import { interruptions } from './scenarios/interruptions.ts';
import { secrecy } from './scenarios/secrecy.ts';

describe('the whole path in trouble, on a local AWS with IAM enforced', () => {
  const theWorld = ownWorld('in-trouble');
  describe('interruptions', () => interruptions(theWorld));
  describe('trouble with GitLab', () => gitlabTrouble(theWorld));
  describe('GitLab out of reach', () => gitlabOutage(theWorld));
  describe('secrecy', () => secrecy(theWorld));
});
