import { describe, expect, it } from 'vitest';
import { defineDeployment } from '../../../../infrastructure/deployment/deployment.ts';
import { faultsOf } from '../inputs.ts';

const base = {
  type: 'EC2' as const,
  instanceTypes: ['m7a.large', 'm7i.large'],
  maxConcurrent: 5,
  docker: { image: 'debian:13', volumes: ['/cache'] },
  environment: { LEVEL: 'base', REGION: 'here' },
};

describe('a profile that extends another', () => {
  const { profiles } = defineDeployment({
    profiles: {
      base,
      large: {
        type: 'EC2',
        extends: 'base',
        instanceTypes: ['m7a.4xlarge'],
        docker: { privileged: true, volumes: ['/cache', '/data'] },
        environment: { LEVEL: 'large' },
      },
      larger: { type: 'EC2', extends: 'large', volume: { sizeGiB: 200 }, maxConcurrent: undefined },
    },
  });

  it('takes over what it does not say', () => {
    expect(profiles.large).toMatchObject({ maxConcurrent: 5 });
  });

  it('merges objects key by key', () => {
    expect(profiles.large).toMatchObject({
      docker: { image: 'debian:13', privileged: true },
      environment: { LEVEL: 'large', REGION: 'here' },
    });
  });

  it('replaces lists as a whole', () => {
    expect(profiles.large).toMatchObject({ instanceTypes: ['m7a.4xlarge'], docker: { volumes: ['/cache', '/data'] } });
  });

  it('has what its base has from its own base, and undefined takes over too', () => {
    expect(profiles.larger).toMatchObject({
      maxConcurrent: 5,
      volume: { sizeGiB: 200 },
      docker: { image: 'debian:13', privileged: true },
      environment: { LEVEL: 'large', REGION: 'here' },
    });
  });

  it('leaves its base as it was, and does not say any more whom it extended', () => {
    expect(profiles.base).toMatchObject({
      docker: { privileged: false, volumes: ['/cache'] },
      environment: { LEVEL: 'base' },
    });
    for (const profile of Object.values(profiles)) expect(profile).not.toHaveProperty('extends');
  });

  it('takes over in any order of writing', () => {
    const { profiles: turned } = defineDeployment({
      profiles: { large: { type: 'EC2', extends: 'base', maxConcurrent: 9 }, base },
    });
    expect(turned.large).toMatchObject({ maxConcurrent: 9, instanceTypes: base.instanceTypes });
  });
});

describe('extends is a fault', () => {
  it.each([
    [
      'of an unknown base',
      { big: { type: 'EC2', extends: 'huge' } },
      ['profiles.big.extends: "huge" is not a profile; name one of: base'],
    ],
    [
      'of a misspelt base',
      { big: { type: 'EC2', extends: 'baes' } },
      ['profiles.big.extends: "baes" is not a profile; did you mean "base"?'],
    ],
    [
      'of what every object has',
      { big: { type: 'EC2', extends: 'constructor' } },
      ['profiles.big.extends: "constructor" is not a profile; name one of: base'],
    ],
    [
      'of a base of another type',
      { fn: { type: 'LAMBDA', extends: 'base' } },
      ['profiles.fn.extends: "base" is of type EC2 and this profile of type LAMBDA; extend a profile of the same type'],
    ],
    [
      'of itself',
      { big: { type: 'EC2', extends: 'big' } },
      ['profiles.big.extends: the profile extends itself (big -> big); remove one of these "extends"'],
    ],
    [
      'in a circle, told of those in it and not of who joins',
      {
        a: { type: 'EC2', extends: 'b' },
        b: { type: 'EC2', extends: 'c' },
        c: { type: 'EC2', extends: 'a' },
        d: { type: 'EC2', extends: 'a' },
      },
      [
        'profiles.a.extends: the profile extends itself (a -> b -> c -> a); remove one of these "extends"',
        'profiles.b.extends: the profile extends itself (b -> c -> a -> b); remove one of these "extends"',
        'profiles.c.extends: the profile extends itself (c -> a -> b -> c); remove one of these "extends"',
      ],
    ],
    ['that is no name', { big: { type: 'EC2', extends: 5 } }, ['profiles.big.extends: is 5; write a text']],
    [
      'without a type of its own',
      { big: { extends: 'base' } },
      ['profiles.big.type: is missing; write one of: "LAMBDA", "EC2"'],
    ],
  ])('%s', (_what, profiles, faults) => {
    expect(faultsOf({ profiles: { base, ...profiles } })).toEqual(faults);
  });
});

describe('a fault that is taken over', () => {
  const faulty = { type: 'EC2', volume: { sizeGiB: 4 }, colour: 'red' };

  it('is told once, where it was written', () => {
    const profiles = { base: faulty, one: { type: 'EC2', extends: 'base' }, two: { type: 'EC2', extends: 'one' } };
    expect(faultsOf({ profiles }).map((fault) => fault.split(':')[0])).toEqual([
      'profiles.base.volume.sizeGiB',
      'profiles.base.colour',
    ]);
  });

  it('is told of each profile that writes it itself', () => {
    const profiles = { base: faulty, one: { ...faulty, extends: 'base' } };
    expect(faultsOf({ profiles })).toHaveLength(4);
  });

  it('and becomes one only here says from whom it comes', () => {
    const profiles = { base, one: { type: 'EC2', extends: 'base', executor: 'shell' } };
    expect(faultsOf({ profiles })).toEqual([
      'profiles.one.docker: has no effect with the executor "shell"; remove it (taken over from "base")',
    ]);
  });
});
