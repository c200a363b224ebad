import { LambdaClient } from '@aws-sdk/client-lambda';
import { readAccountConcurrency } from '../../autoscaler/reconcile/look/lambda-limit.client.ts';
import { type CallAws, createSignedAws } from '../../infrastructure/kit/aws/signed-aws.client.ts';
import type { AccountQuotas, Reading } from './quota-notes.ts';

/** Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html */
const quotaCodes = { spot: 'L-34B43A08', onDemand: 'L-1216C47A' } as const;

/**
 * The quotas as they apply to the account in this region. What may not be asked, or cannot be, is said and no failure.
 */
export async function readAccountQuotas(lambda = new LambdaClient({})): Promise<AccountQuotas> {
  const call = await signedCalls(lambda);
  const [functions, spotCpus, onDemandCpus] = await Promise.all([
    reading('lambda:GetAccountSettings', () => readAccountConcurrency(lambda)),
    reading('servicequotas:GetServiceQuota', () => readEc2Quota(call, quotaCodes.spot)),
    reading('servicequotas:GetServiceQuota', () => readEc2Quota(call, quotaCodes.onDemand)),
  ]);
  return { functions, spotCpus, onDemandCpus };
}

async function reading<T>(action: string, read: () => Promise<T>): Promise<Reading<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    const { name, message } = error as Error;
    return { unknown: `${action} gave no answer (${name}: ${message.slice(0, 200)})` };
  }
}

/** One action is not worth an SDK client: the credentials are those that the other clients found. */
async function signedCalls({ config }: LambdaClient): Promise<CallAws> {
  const [region, { accessKeyId, secretAccessKey, sessionToken }] = await Promise.all([
    config.region(),
    config.credentials(),
  ]);
  return createSignedAws({
    region,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken ? { sessionToken } : {}),
    endpointUrl: process.env.AWS_ENDPOINT_URL || null,
  });
}

/** Source: https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html */
function readEc2Quota(call: CallAws, QuotaCode: string): Promise<number> {
  const input = { ServiceCode: 'ec2', QuotaCode };
  return call('servicequotas', 'ServiceQuotasV20190624.GetServiceQuota', input, (answer) => {
    const value = (answer as { readonly Quota?: { readonly Value?: unknown } } | null)?.Quota?.Value;
    if (typeof value !== 'number') throw new Error('the answer names no value');
    return value;
  });
}
