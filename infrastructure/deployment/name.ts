import { nameSchema } from './profiles/profile.ts';

/**
 * The deployment's name begins the names of stacks and, through them, of what CloudFormation names: each of these
 * services refuses some, and the first deployment would fail.
 */
export const deploymentNameSchema = nameSchema
  .refine((name) => !/^(?:aws|ssm)/.test(name), {
    error: 'SSM keeps parameters whose names begin with "aws" or "ssm" to itself; choose another name',
  })
  .refine((name) => !/^(?:sthree-|amzn-s3-demo-)/.test(name), {
    error: 'no bucket may begin so; choose another name',
  })
  .refine((name) => !name.startsWith('sg-'), {
    error: 'no security group may have a name that begins with "sg-"; choose another name',
  })
  .refine((name) => !/--|-$/.test(name), {
    error: 'repositories of ECR have no two hyphens in a row, and a hyphen follows your name; choose another name',
  });
