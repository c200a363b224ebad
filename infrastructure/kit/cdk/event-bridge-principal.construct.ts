import { Stack } from 'aws-cdk-lib';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/**
 * EventBridge, for rules of this account: those of others could name our role too, and the CDK's own roles for targets
 * say nothing about that.
 */
export function eventBridgeOfThisAccount(scope: Construct): ServicePrincipal {
  return new ServicePrincipal('events.amazonaws.com', {
    conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
  });
}
