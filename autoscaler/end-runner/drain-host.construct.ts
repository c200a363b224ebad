import { Grant } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { acknowledgeWildcards } from '../../infrastructure/kit/cdk/acknowledge-rules.construct.ts';
import type { GitLabAccess } from '../gitlab/gitlab-access.construct.ts';
import type { Tables } from '../runner-store/tables.construct.ts';

/** A host of a long-lived runner ends when its ticket can be taken back, or when it is gone. */
export function grantDraining(
  lambda: LambdaFunction,
  { gitlab, tables }: { readonly gitlab: GitLabAccess; readonly tables: Tables },
): void {
  if (!gitlab.hasLongLivedRunners) return;
  tables.grantRemoveTickets(lambda);
  acknowledgeWildcards(lambda, 'Looking at instances knows no resources; nothing is changed by it.', '*');
  Grant.addToPrincipal({ grantee: lambda, actions: ['ec2:DescribeInstances'], resourceArns: ['*'] });
}
