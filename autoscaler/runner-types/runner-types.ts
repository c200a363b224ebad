import type { RunnerType } from '../job-mappings/job-mapping.ts';
import type { RunnerTypeTraits } from './contract/runner-type.ts';
import { ec2Type } from './ec2/ec2-type.ts';
import { lambdaType } from './lambda/lambda-type.ts';

/** All types of runners. */
const traits: Readonly<Record<RunnerType, RunnerTypeTraits>> = { EC2: ec2Type, LAMBDA: lambdaType };

export function traitsOf({ type }: { readonly type: RunnerType }): RunnerTypeTraits {
  return traits[type];
}

/** Whether another type's runners can end with this error, and those of this one never do. */
export function isErrorOfOtherType(error: string, { type }: { readonly type: RunnerType }): boolean {
  const others = Object.values(traits).filter(({ name }) => name !== type);
  return others.some(({ ownErrors }) => ownErrors.includes(error)) && !traits[type].ownErrors.includes(error);
}
