import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { type StateMachineDefinition, statesOf } from '../support/state-machine-language.ts';
import { definitionFromTemplate } from '../support/state-machine-template.ts';
import { autoscalerTemplate } from './autoscaler-template.ts';

const template = autoscalerTemplate();
const workflows = ['StartRunner', 'StopRunner', 'AbandonRunner', 'InterruptRunner'] as const;
const definitions: Record<string, StateMachineDefinition> = Object.fromEntries(
  workflows.map((name) => [name, definitionFromTemplate(template, name)]),
);

/** The error classes of the code that workflows run, with the name that each says. */
const repository = resolve(import.meta.dirname, '../..');
const classes = globSync('{autoscaler,infrastructure/{deployment,gitlab,gitlab-runner,kit}}/**/*.ts', {
  cwd: repository,
}).flatMap((file) => {
  const source = readFileSync(join(repository, file), 'utf8');
  return [...source.matchAll(/class (\w+Error) extends \w+ \{([^}]*)/g)].map(([, className, body]) => ({
    className,
    name: /override readonly name = '(\w+)'/.exec(body ?? '')?.[1],
  }));
});
const ours = classes.map(({ name }) => name);

/** What Retry or Catch of every state names. */
function named(field: 'Retry' | 'Catch'): { readonly state: string; readonly error: string }[] {
  return Object.entries(definitions).flatMap(([workflow, definition]) =>
    statesOf(definition).flatMap(([state, content]) =>
      (content[field] ?? []).flatMap(({ ErrorEquals }) =>
        ErrorEquals.map((error) => ({ state: `${workflow}.${state}`, error })),
      ),
    ),
  );
}
const isOfAService = (error: string) => /^(States|Lambda|Sandbox|EventBridge|SQS|DynamoDB)\./.test(error);

describe('our error classes', () => {
  it('are found', () => {
    expect(ours).toContain('RunnerStateChangedError');
    expect(ours.length).toBeGreaterThan(12);
  });

  it('say their own name, which a bundler may not change', () => {
    expect(classes.filter(({ className, name }) => className !== name)).toEqual([]);
  });

  it('have a name each', () => {
    expect(ours.filter((name, index) => ours.indexOf(name) !== index)).toEqual([]);
  });
});

describe('what the workflows match on', () => {
  /** Errors of AWS's own clients, which our Lambdas let through. */
  const ofClients = [
    ...Object.keys(dynamodb),
    'ThrottlingException',
    'RequestLimitExceeded',
    'Unavailable',
    'InternalError',
    'ServiceUnavailable',
  ];

  it.each(['Retry', 'Catch'] as const)(
    'exists: every name in a %s is one of ours, of a service, or of a client',
    (field) => {
      const unknown = named(field).filter(
        ({ error }) => !isOfAService(error) && !ours.includes(error) && !ofClients.includes(error),
      );
      expect(unknown).toEqual([]);
    },
  );

  it.each([
    ['JobNotYetPendingError', 'StartRunner.ChooseRunner', ['Retry', 'Catch']],
    ['JobNotYetPendingError', 'StartRunner.LookAgain', ['Catch']],
    ['JobNotOverError', 'StopRunner.FindRunner', ['Retry', 'Catch']],
    ['JobAlreadyAdmittedError', 'StartRunner.AdmitJob', ['Catch']],
    ['CapReachedError', 'StartRunner.AdmitJob', ['Catch']],
    ['RunnerStateChangedError', 'StartRunner.RegisterRunner', ['Catch']],
  ] as const)('includes what the code throws to say something: %s at %s', (error, state, fields) => {
    expect(ours).toContain(error);
    for (const field of fields) expect(named(field)).toContainEqual({ state, error });
  });

  it('includes every refusal of runner-errors.ts', () => {
    const source = readFileSync(join(repository, 'autoscaler/runner-store/runner-errors.ts'), 'utf8');
    const refusals = [...source.matchAll(/class (\w+)/g)].map(([, name]) => name);
    const caught = named('Catch').map(({ error }) => error);
    expect(refusals.length).toBeGreaterThan(2);
    for (const refusal of refusals) expect(caught).toContain(refusal);
  });

  const statesWithLambda = Object.entries(definitions).flatMap(([workflow, definition]) =>
    statesOf(definition)
      .filter(([name, { Resource }]) => Resource?.endsWith(':lambda:invoke') && name !== 'InvokeLambdaRunner')
      .map(([name, state]) => [`${workflow}.${name}`, state] as const),
  );

  it.each(statesWithLambda)(
    'lets %s try again after passing trouble of Lambda, GitLab, DynamoDB and the secret',
    (_, { Retry = [] }) => {
      const tried = Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(tried).toEqual(
        expect.arrayContaining([
          'Lambda.ServiceException',
          'Lambda.TooManyRequestsException',
          'Lambda.Unknown',
          'Sandbox.Timedout',
          'GitLabUnavailableError',
          'SecretUnavailableError',
          'ThrottlingException',
          'TransactionCanceledException',
          'TransactionConflictException',
        ]),
      );
    },
  );

  it('never tries again within seconds what seconds do not mend', () => {
    const hopeless = [
      'InvalidInputError',
      'InvalidEnvironmentError',
      'MappingNotAllowedError',
      'GitLabRefusedError',
      'GitLabTokenRefusedError',
      'GitLabLimitError',
    ];
    for (const error of hopeless) expect(ours).toContain(error);
    const tried = named('Retry').filter(({ state }) => statesWithLambda.some(([name]) => name === state));
    expect(tried.filter(({ error }) => hopeless.includes(error) || error === 'States.ALL')).toEqual([]);
  });

  it('waits with full jitter, so that a burst of jobs does not come back together', () => {
    const retries = Object.values(definitions).flatMap((definition) =>
      statesOf(definition).flatMap(([, { Retry = [] }]) => Retry),
    );
    expect(retries.length).toBeGreaterThan(10);
    expect(retries.filter(({ JitterStrategy }) => JitterStrategy !== 'FULL')).toEqual([]);
  });

  it('lets no failure inside a loop end its other iterations: what can fail there is caught there', () => {
    const { StopEach } = Object.fromEntries(statesOf(definitions.StopRunner ?? { StartAt: '', States: {} }));
    const mayFail = Object.entries(StopEach?.ItemProcessor?.States ?? {}).filter(([, { Type }]) =>
      /Task|Map/.test(Type),
    );
    const uncaught = mayFail.filter(
      ([, { Catch = [] }]) => !Catch.some(({ ErrorEquals }) => ErrorEquals.includes('States.ALL')),
    );
    expect(mayFail.map(([name]) => name)).toContain('StartNextJobs');
    expect(uncaught.map(([name]) => name)).toEqual([]);
  });
});
