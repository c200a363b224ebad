import { App, Fn, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import {
  CfnStateMachine,
  DefinitionBody,
  type IChainable,
  Pass,
  QueryLanguage,
  StateMachine,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { describe, expect, it } from 'vitest';
import { runStateMachine } from './state-machine.ts';
import { routeTasks } from './state-machine-tasks.ts';
import { definitionFromTemplate, StateMachineNotFoundError } from './state-machine-template.ts';

function synthesize(build: (stack: Stack) => Readonly<Record<string, IChainable>>): Template {
  const stack = new Stack(new App(), 'Workflows');
  for (const [id, first] of Object.entries(build(stack))) {
    const definitionBody = DefinitionBody.fromChainable(first);
    new StateMachine(stack, id, { queryLanguage: QueryLanguage.JSONATA, definitionBody });
  }
  return Template.fromStack(stack);
}

const template = synthesize((stack) => {
  const code = { runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code: Code.fromInline('-') };
  const lambdaFunction = new LambdaFunction(stack, 'Direct', code);
  const outputs = {
    imported: Fn.importValue('Runners:Table'),
    account: stack.account,
    substituted: Fn.sub(`\${AWS::Region}/\${Name}`, { Name: lambdaFunction.functionName }),
    chosen: Fn.select(0, Fn.split('-', lambdaFunction.functionArn)),
  };
  return {
    First: Pass.jsonata(stack, 'Say', { outputs }),
    Second: LambdaInvoke.jsonata(stack, 'Call', { lambdaFunction, payloadResponseOnly: true }),
  };
});

describe('definitionFromTemplate', () => {
  it('writes what only a deployment knows as a placeholder', () => {
    expect(definitionFromTemplate(template, 'First').States.Say?.Output).toEqual({
      imported: `\${ImportValue Runners:Table}`,
      account: '123456789012',
      substituted: expect.stringMatching(/^eu-central-1\/\$\{Direct\w+\}$/),
      chosen: expect.stringMatching(/^\$\{Fn::Select [^{}"\\]*Direct\w+ , Arn\}$/),
    });
  });

  it('leaves a resource that tests can route by its logical id', async () => {
    const definition = definitionFromTemplate(template, (logicalId) => logicalId.startsWith('Second'));
    expect(definition.States.Call?.Resource).toMatch(/^\$\{Direct\w+\.Arn\}$/);
    const tasks = routeTasks({ lambdas: { Direct: (payload: unknown) => ({ got: payload }) } });
    expect(await runStateMachine(definition, { a: 1 }, tasks)).toMatchObject({ output: { got: { a: 1 } } });
  });

  it('needs no choice when there is one state machine', () => {
    const single = synthesize((stack) => ({ Only: Pass.jsonata(stack, 'Say') }));
    expect(definitionFromTemplate(single).StartAt).toBe('Say');
  });

  it('refuses to guess which state machine is meant', () => {
    expect(() => definitionFromTemplate(template)).toThrow(StateMachineNotFoundError);
    expect(() => definitionFromTemplate(template, 'Third')).toThrow(/Third.*First.*Second/);
  });

  it('says which definition is not JSON', () => {
    const broken = synthesize((stack) => {
      new CfnStateMachine(stack, 'Broken', { roleArn: 'arn:aws:iam::123456789012:role/none', definitionString: '{' });
      return {};
    });
    expect(() => definitionFromTemplate(broken, 'Broken')).toThrow('The DefinitionString of Broken is not JSON');
  });
});
