import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MutationArgumentError, planMutation } from '../../../helper-scripts/mutate/mutation-plan.ts';

const repository = resolve(import.meta.dirname, '../../..');
const plan = (...args: string[]) => planMutation(args, repository, '.mutants');

describe('a mutation run', () => {
  it('of a folder mutates its code, and asks the tests that mirror it', () => {
    const { stryker, vitest } = plan('./autoscaler/gate/');
    expect(stryker).toMatchObject({
      mutate: ['autoscaler/gate/**/*.ts', '!autoscaler/gate/**/*.construct.ts', '!autoscaler/gate/**/*.command.ts'],
    });
    expect(vitest).toContain('include: ["test/autoscaler/gate/**/*.test.ts"]');
  });

  it('of a file asks the tests of its name', () => {
    const { stryker, vitest } = plan('autoscaler/gate/give-turns.lambda.ts');
    expect(stryker).toMatchObject({ mutate: ['autoscaler/gate/give-turns.lambda.ts'] });
    expect(vitest).toContain('include: ["test/autoscaler/gate/give-turns*.test.ts"]');
  });

  it('asks the tests that are named', () => {
    const { vitest } = plan('autoscaler/gate', '--tests', 'test/simulation/mutants.test.ts');
    expect(vitest).toContain('include: ["test/simulation/mutants.test.ts"]');
  });

  it.each([
    [[], /No folder to mutate is named: write npm run mutate -- FOLDER/],
    [['test/simulation'], /"test\/simulation" is not in one of autoscaler, infrastructure/],
    [['autoscaler/gates'], /There is no "autoscaler\/gates" here/],
    [['--folder', 'autoscaler'], /--folder/],
  ])('refuses %j', (args, message) => {
    expect(() => plan(...args)).toThrow(MutationArgumentError);
    expect(() => plan(...args)).toThrow(message);
  });
});
