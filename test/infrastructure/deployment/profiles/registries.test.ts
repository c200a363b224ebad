import { describe, expect, it } from 'vitest';
import {
  dockerConfigOf,
  registriesSchema,
  registryStatementsOf,
} from '../../../../infrastructure/deployment/profiles/registries.ts';
import { faultsOfProfile } from '../inputs.ts';

const own = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const other = '210987654321.dkr.ecr.cn-north-1.amazonaws.com.cn';
const secretArn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:registries-AbCdEf';
const registries = (input: object) => registriesSchema.parse(input);

describe('the registries of a profile', () => {
  it('have a credential helper each, however many of their repositories are named', () => {
    const config = dockerConfigOf(registries({ ecr: [`${own}/team/*`, `${own}/base`, other] }));
    expect(JSON.parse(config)).toEqual({ credHelpers: { [own]: 'ecr-login', [other]: 'ecr-login' } });
  });

  it('have no docker configuration when none asks for credentials', () => {
    expect(dockerConfigOf(undefined)).toBe('');
    expect(dockerConfigOf(registries({ mirror: 'https://mirror.example.com' }))).toBe('');
    expect(JSON.parse(dockerConfigOf(registries({ secretArn })))).toEqual({ credHelpers: {} });
  });

  it('need rights for exactly what is named', () => {
    const [, pull, read] = registryStatementsOf(registries({ ecr: [`${own}/team/*`, other], secretArn }), 'aws');
    expect(pull?.resources).toEqual([
      'arn:aws:ecr:eu-west-1:123456789012:repository/team/*',
      'arn:aws:ecr:cn-north-1:210987654321:repository/*',
    ]);
    expect(read).toEqual({ actions: ['secretsmanager:GetSecretValue'], resources: [secretArn] });
    expect(registryStatementsOf(registries({ mirror: 'https://mirror.example.com' }), 'aws')).toEqual([]);
  });

  it.each([
    [{ ecr: ['registry.example.com'] }, /^registries\.ecr\[0\]: is ".*"; write a registry such as \d{12}\.dkr\.ecr/],
    [{ ecr: [`${own}/Team`] }, /^registries\.ecr\[0\]: is ".*"; write a registry/],
    [{ ecr: [own, own] }, /^registries\.ecr: names ".*" twice/],
    [{ secretArn: 'registries' }, /^registries\.secretArn: is ".*"; write the ARN of a secret/],
    [{ mirror: 'https://mirror.example.com/?fast=1' }, /^registries\.mirror: has a user, a query or a fragment/],
    [{ mirror: 'mirror.example.com' }, /^registries\.mirror: is ".*"; write an address such as https:/],
  ])('refuse %j', (input, fault) => {
    expect(faultsOfProfile({ registries: input })).toEqual([expect.stringMatching(fault)]);
  });
});
