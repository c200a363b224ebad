import { describe, expect, it } from 'vitest';
import { undeployedFaults } from '../../../helper-scripts/cli/undeployed.ts';

const functionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:shell';
const deployed = { default: { type: 'EC2' }, large: { type: 'EC2' }, shell: { type: 'LAMBDA', functionArn } } as const;
const faultsOf = (row: object) => undeployedFaults({ pk: 'job#a', sk: 'tags#', ...row }, deployed);

describe('what a row names', () => {
  it.each([
    ['no profile, which means "default"', { type: 'EC2' }],
    ['a profile of its type', { type: 'EC2', profile: 'large' }],
    [
      'a function by its profile, and a fallback of any type',
      { type: 'LAMBDA', arn: 'shell', fallbackProfile: 'large' },
    ],
    ['a function by its ARN', { type: 'LAMBDA', arn: functionArn }],
    ['nothing, since the job is left to others', { type: 'IGNORE' }],
    ['nothing that can be read, which is told elsewhere', { type: 'VM' }],
  ])('is deployed: %s', (_, row) => {
    expect(faultsOf(row)).toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    ['a misspelt profile', { type: 'EC2', profile: 'larg' }, /^profile: .*no EC2 profile "larg"; write "large"/u],
    ['a profile of another type', { type: 'EC2', profile: 'shell' }, /^profile: .*name one of default, large/u],
    ['a misspelt function', { type: 'LAMBDA', arn: 'shel' }, /^arn: .*write "shell"/u],
    ['a function of somebody else', { type: 'LAMBDA', arn: `${functionArn}-2` }, /^arn: .*name one of shell/u],
    [
      'a fallback',
      { type: 'LAMBDA', arn: 'shell', fallbackProfile: 'x' },
      /^fallbackProfile: .*default, large, shell/u,
    ],
    ['what every object has', { type: 'LAMBDA', arn: 'shell', fallbackProfile: 'toString' }, /^fallbackProfile: /u],
  ])('is not deployed: %s', (_, row, fault) => {
    expect(faultsOf(row)).toEqual([expect.stringMatching(fault)]);
  });
});
