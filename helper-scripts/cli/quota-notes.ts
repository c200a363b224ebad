import { lambdaJobsAtOnce, reserveOf, smallestLimit } from '../../autoscaler/runner-types/lambda/lambda-limit.ts';
import { type Deployment, profilesOfType } from '../../infrastructure/deployment/deployment.ts';
import { instanceTypesOf } from '../../infrastructure/deployment/profiles/ec2-profile.ts';
import type { Finding } from './finding.ts';

/** What was read, or why it could not be. */
export type Reading<T> = { readonly value: T } | { readonly unknown: string };

/**
 * What an account may have at the same time in a region; vCPUs are those of the families A, C, D, H, I, M, R, T and Z.
 */
export type AccountQuotas = {
  readonly functions: Reading<{ readonly applied: number; readonly unreserved: number }>;
  readonly spotCpus: Reading<number>;
  readonly onDemandCpus: Reading<number>;
};

/** Of new accounts, whatever the documented default is. */
const newAccountCpus = 5;
const standardFamily = /^[acdhimrtz]\d/u;

/** The quotas that matter to a deployment, each in a line. Without its configuration, all that there are. */
export function quotaNotes(quotas: AccountQuotas, deployment: Deployment | null): string[] {
  const { spot, onDemand } = lifecyclesOf(deployment);
  return [
    ...(usesFunctions(deployment) ? [functionsNote(quotas.functions)] : []),
    ...(spot ? [cpusNote('spot', '"All Standard Spot Instance Requests", L-34B43A08', quotas.spotCpus)] : []),
    ...(onDemand
      ? [cpusNote('on-demand', '"Running On-Demand Standard instances", L-1216C47A', quotas.onDemandCpus)]
      : []),
  ];
}

function functionsNote(functions: AccountQuotas['functions']): string {
  const quota = 'Lambda quota "Concurrent executions" (L-B99A9384)';
  if ('unknown' in functions) return `${quota}: unknown, ${functions.unknown}`;
  const { applied, unreserved } = functions.value;
  const reserved = unreserved < applied ? `, ${unreserved} without a reservation` : '';
  const fresh = applied <= smallestLimit ? '; that is what new accounts have: ask for more' : '';
  const split = `${lambdaJobsAtOnce(unreserved)} for jobs, ${reserveOf(unreserved)} for ingest and control plane`;
  return `${quota}: ${applied} apply here${reserved} (${split})${fresh}`;
}

function cpusNote(kind: string, quota: string, cpus: Reading<number>): string {
  const name = `EC2 ${kind} quota (${quota})`;
  if ('unknown' in cpus) return `${name}: unknown, ${cpus.unknown}`;
  const fresh = cpus.value <= newAccountCpus ? '; that is what new accounts have: ask for more' : '';
  return `${name}: ${cpus.value} vCPUs apply here${fresh}`;
}

/** What a configuration asks for that the account cannot give, whatever else runs in it. */
export function quotaFindings(quotas: AccountQuotas, deployment: Deployment | null): Finding[] {
  if (!deployment) return [];
  return [...functionFindings(quotas, deployment), ...cpuFindings(quotas, deployment)];
}

function functionFindings({ functions }: AccountQuotas, deployment: Deployment): Finding[] {
  if ('unknown' in functions) return [];
  const atOnce = lambdaJobsAtOnce(functions.value.unreserved);
  return profilesOfType(deployment, 'LAMBDA').flatMap(([name, { maxConcurrent = 0 }]) => {
    if (maxConcurrent <= atOnce) return [];
    const wrong = `lets ${maxConcurrent} jobs run at the same time, of which the account's Lambda quota allows ${atOnce}`;
    return [
      { what: `profile ${name}`, wrong, remedy: 'have AWS raise "Concurrent executions", or lower maxConcurrent' },
    ];
  });
}

/** An instance has one vCPU at least: more than a look can tell, since profiles name many types. */
function cpuFindings({ spotCpus, onDemandCpus }: AccountQuotas, deployment: Deployment): Finding[] {
  return profilesOfType(deployment, 'EC2').flatMap(([name, profile]) => {
    const { onDemand, maxConcurrent = 0 } = profile;
    const readings = [...(onDemand === 'always' ? [] : [spotCpus]), ...(onDemand === 'never' ? [] : [onDemandCpus])];
    if (!instanceTypesOf(profile).every((type) => standardFamily.test(type))) return [];
    const cpus = readings.reduce((sum, one) => sum + ('unknown' in one ? Number.POSITIVE_INFINITY : one.value), 0);
    if (maxConcurrent <= cpus) return [];
    const wrong = `lets ${maxConcurrent} instances run at the same time, and the account may have ${cpus} vCPUs for them`;
    return [{ what: `profile ${name}`, wrong, remedy: 'have AWS raise the EC2 quotas, or lower maxConcurrent' }];
  });
}

function usesFunctions(deployment: Deployment | null): boolean {
  return !deployment || profilesOfType(deployment, 'LAMBDA').length > 0;
}

function lifecyclesOf(deployment: Deployment | null): { readonly spot: boolean; readonly onDemand: boolean } {
  if (!deployment) return { spot: true, onDemand: true };
  const policies = profilesOfType(deployment, 'EC2').map(([, { onDemand }]) => onDemand);
  return {
    spot: policies.some((policy) => policy !== 'always'),
    onDemand: policies.some((policy) => policy !== 'never'),
  };
}
