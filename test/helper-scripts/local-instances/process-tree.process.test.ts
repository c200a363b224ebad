import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  checkMark,
  findProcessesOf,
  TooManyProcessesError,
} from '../../../helper-scripts/local-instances/process-tree.process.ts';

// Nothing here kills: a mistake in what is tested would end whatever the machine's user does.
describe('the mark of an instance’s processes', () => {
  it.each([
    ['no folder', { folder: '' }],
    ['the root', { folder: '/' }],
    ['a folder of everybody', { folder: '/tmp' }],
    ['a folder of a user', { folder: '/home/somebody' }],
    ['a relative folder', { folder: 'instances/i-1' }],
    ['a folder with a way up', { folder: '/tmp/run/instances/../../..' }],
    ['the session of the machine', { folder: '/tmp/run/instances/i-1', sessionLeader: 1 }],
    ['our own group', { folder: '/tmp/run/instances/i-1', sessionLeader: 0 }],
  ])('may not be %s', (_what, mark) => {
    expect(() => checkMark(mark)).toThrow(TooManyProcessesError);
  });

  it('is a folder of its own, with or without a session', () => {
    expect(() => checkMark({ folder: '/tmp/run/instances/i-1' })).not.toThrow();
    expect(() => checkMark({ folder: '/tmp/run/instances/i-1', sessionLeader: 4_711 })).not.toThrow();
  });

  it('never finds ourselves or those that started us', () => {
    const found = findProcessesOf({ folder: dirname(process.cwd()) });
    expect(found).not.toContain(process.pid);
    expect(found).not.toContain(process.ppid);
  });
});
