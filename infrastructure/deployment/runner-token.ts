import { z } from 'zod';

/** With its six random characters: a policy that names a secret without them allows nothing. */
export const secretArnSchema = z
  .string()
  .regex(
    /^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}$/,
    "write the secret's whole ARN, such as arn:aws:secretsmanager:eu-west-1:123456789012:secret:ci-runner-AbCdEf",
  );

/** The name of the setting. */
export const runnerTokenSetting = 'runnerTokenSecretArn';
/** Why only some profiles may have it, and what to do instead. */
export const whyNoToken =
  'whose jobs could read the long-lived token of the runner; use a profile of type EC2 with the executor "docker", or remove it';

/** Why no profile of type LAMBDA brings a long-lived runner, and what to do instead. */
export const noTokenForFunctions = `is not for functions, ${whyNoToken}`;
