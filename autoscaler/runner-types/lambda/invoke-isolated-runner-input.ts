import * as z from 'zod/mini';
import { lambdaRunnerPayloadSchema } from '../../../infrastructure/kit/runner-ticket.ts';

export const invokeIsolatedRunnerInput = z.object({
  functionArn: z.string(),
  tenantId: z.string(),
  payload: lambdaRunnerPayloadSchema,
});
