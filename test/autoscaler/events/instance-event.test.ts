import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { instanceEventSchema, interruptionOf } from '../../../autoscaler/events/instance-event.ts';
import { instanceState, spotWarning } from '../../support/builders.ts';

const read = (event: object) => interruptionOf(z.parse(instanceEventSchema, event));

describe('an event of EC2’s', () => {
  it('is a warning when EC2 takes a spot instance back, whatever it will do with it', () => {
    const wanted = { kind: 'warning', instanceId: 'i-0abc', at: '2030-01-01T00:02:00Z' };
    expect(read(spotWarning('i-0abc'))).toEqual(wanted);
    const hibernating = { 'instance-id': 'i-0abc', 'instance-action': 'hibernate' };
    expect(read({ ...spotWarning('i-0abc'), detail: hibernating })).toEqual(wanted);
  });

  it.each([
    ['shutting-down', 'ending'],
    ['stopping', 'ending'],
    ['terminated', 'gone'],
    ['stopped', 'gone'],
  ] as const)('of the state "%s" says that the instance is %s', (state, kind) => {
    expect(read(instanceState('i-0abc', state))).toMatchObject({ kind, instanceId: 'i-0abc' });
  });

  it('that names no instance is refused', () => {
    expect(z.safeParse(instanceEventSchema, { ...spotWarning('i-0abc'), detail: {} }).success).toBe(false);
    expect(z.safeParse(instanceEventSchema, instanceState('i-0abc', 'running')).success).toBe(false);
  });
});
