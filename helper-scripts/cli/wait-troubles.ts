/**
 * What keeps a job from its runner, by the name of the error that was met: in words, and what a person can do about it.
 */
export type Trouble = { readonly words: string; readonly remedy: string };

const gitlabAway: Trouble = {
  words: 'GitLab does not answer',
  remedy: 'nothing, when GitLab comes back soon; else look whether it is up and reachable from the internet',
};
const gitlabLimit: Trouble = {
  words: 'GitLab says: not now',
  remedy: 'nothing, it passes; when it stays, raise the limit that GitLab names, or remove runners that nobody needs',
};
const gitlabRefuses: Trouble = {
  words: 'GitLab refuses',
  remedy: 'give the access token what is missing, or store another one: "secret gitlab-token"',
};
const noCapacity: Trouble = {
  words: 'EC2 has no capacity for it',
  remedy: 'nothing, it passes; when it stays, add instance types, subnets or on-demand capacity, or raise the quotas',
};
const slowDown: Trouble = { words: 'AWS asks to slow down', remedy: 'nothing, it passes' };
const deployAgain: Trouble = { words: 'a Lambda of ours is not set up', remedy: 'deploy the autoscaler again' };

const troubles: Readonly<Record<string, Trouble>> = {
  GitLabUnavailableError: gitlabAway,
  LambdaRunnerCutOff: {
    words: 'the function does not reach GitLab',
    remedy: 'nothing, when GitLab comes back soon; else look whether it is reachable from the internet, and trusted',
  },
  GitLabLimitError: gitlabLimit,
  GitLabRefusedError: gitlabRefuses,
  GitLabTokenRefusedError: gitlabRefuses,
  SecretUnavailableError: {
    words: 'the secret with the access token cannot be read',
    remedy: 'store the token: "secret gitlab-token"',
  },
  MappingNotAllowedError: {
    words: 'its mapping names what was not deployed',
    remedy: 'mend the row with "mapping put", or deploy the profile',
  },
  LongLivedRunnerError: {
    words: 'the long-lived runner cannot be used',
    remedy: 'change the runner in GitLab, or the secret with its token, as the message says',
  },
  LambdaRunnerNotStarted: {
    words: 'Lambda does not start the function',
    remedy: 'have AWS raise the Lambda quota "Concurrent executions" (the lines below tell it), or lower maxConcurrent',
  },
  NotItsTurnError: {
    words: 'it is not its turn',
    remedy: 'nothing, its turn comes; to wait for nobody give the profile tags of its own, or set "exact" lower',
  },
  RunnerFunctionUnavailableError: slowDown,
  RunnerFunctionRefusedError: {
    words: 'Lambda refuses the call of the function',
    remedy: 'deploy lambda-shell-runner and autoscaler again',
  },
  NoCapacityError: noCapacity,
  LaunchThrottledError: slowDown,
  ThrottlingException: slowDown,
  PermanentLaunchError: { words: 'EC2 refuses the launch', remedy: 'mend what the message names' },
  InvalidEnvironmentError: deployAgain,
  InvalidInputError: deployAgain,
};

/** What the name of an error says; of one that nobody foresaw, at least where its message leads. */
export function troubleOf(error: string): Trouble {
  return (
    troubles[error] ?? {
      words: 'no runner could be started',
      remedy: 'mend what the message names; the log of the autoscaler’s Lambdas says more',
    }
  );
}
