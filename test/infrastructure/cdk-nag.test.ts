import { type App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, test } from 'vitest';
import type { DeploymentInput } from '../../infrastructure/deployment/deployment.ts';
import { existingNetwork, stackOf } from './infrastructure-templates.ts';

describe('cdk-nag’s AWS Solutions rules', () => {
  test.each<[string, DeploymentInput]>([
    ['as it comes', {}],
    ['with NAT gateways', { network: { natGateways: 1 } }],
    ['in an existing network', { network: existingNetwork }],
  ])('find nothing in a deployment %s', (_what, input) => {
    const app = stackOf(input).node.root as App;
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    // Synthesis throws when a plugin finds something.
    expect(app.synth().stacks).toHaveLength(1);
  });

  test('would find all that is acknowledged, and each acknowledgement gives its reason', () => {
    const stack = stackOf();
    const acknowledged = new Map<string, string>();
    for (const { node } of stack.node.findAll()) {
      for (const entry of node.metadata.filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)) {
        for (const [id, reason] of Object.entries(entry.data))
          acknowledged.set(id.split('::').slice(1).join('::'), String(reason));
        Object.assign(entry, { data: {} });
      }
    }
    const { violations } = new AwsSolutionsChecks(stack.node.root).validateScope(stack);
    expect([...acknowledged.keys()].sort()).toEqual(violations.map(({ ruleName }) => ruleName).sort());
    for (const reason of acknowledged.values()) expect(reason).toMatch(/.{40}/);
  });
});
