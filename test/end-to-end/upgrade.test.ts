import { describe } from 'vitest';
import { checkOutOlderApps } from './older-apps.process.ts';
import { ownWorld } from './own-world.ts';
import { upgrade } from './scenarios/upgrade.ts';

describe('an upgrade on a local AWS with IAM enforced', () => {
  upgrade(ownWorld('upgrade', checkOutOlderApps()));
});
