import * as z from 'zod/mini';
import { createRunnerManagers, type RunnerManagers } from '../../infrastructure/gitlab/gitlab-managers.client.ts';
import { createSecretReader, type SecretReader } from '../../infrastructure/kit/aws/secret.client.ts';
import { SecretUnavailableError } from '../../infrastructure/kit/aws/secret-errors.ts';
import { readEnvironment } from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { LongLivedRunnerError, type LongLivedRunners } from '../demand/long-lived-runner.ts';
import { runnerTokensEnvironment } from './gitlab-environment.ts';
import { gitlabOptionsFromEnvironment } from './live-gitlab.client.ts';

const tokenSecretSchema = z.object({ token: z.string() });
/** What goes into a host's configuration as it is; the prefix of tokens is a setting of GitLab. */
const tokenPattern = /^[A-Za-z0-9._-]+$/;

type ReaderOf = (secretArn: string, parse: (text: string) => string) => SecretReader<string>;

/**
 * The long-lived runners of the deployment's profiles, with their tokens from the secrets that the environment names.
 */
export function createLongLivedRunners(
  managers: RunnerManagers = createRunnerManagers(gitlabOptionsFromEnvironment()),
  { RUNNER_TOKEN_SECRETS: secrets = {} } = readEnvironment(runnerTokensEnvironment),
  readerOf: ReaderOf = (secretArn, parse) => createSecretReader(secretArn, parse, process.env, Date.now),
): LongLivedRunners {
  const readers = new Map(
    Object.entries(secrets).map(([profile, arn]) => [profile, readerOf(arn, (text) => tokenIn(text, arn))]),
  );

  /**
   * The runner's id and the token that GitLab knows it by. Asked for each job: a token that was changed would let
   * host after host fail, which take it for good.
   */
  const verifiedOf = async (profile: string, { read, reread }: SecretReader<string>) => {
    const token = await read();
    const runnerId = await managers.verify(token);
    if (runnerId !== null) return { token, runnerId };
    const newest = await reread();
    const newestId = newest === token ? null : await managers.verify(newest);
    if (newestId !== null) return { token: newest, runnerId: newestId };
    throw new LongLivedRunnerError(
      `GitLab does not know the long-lived runner of profile "${profile}": store its authentication token in ` +
        `${secrets[profile]}, or make a new runner`,
    );
  };
  return {
    runningJobsOf: managers.runningJobsOf,
    async remove({ profile, systemId }) {
      const secret = readers.get(profile);
      // The profile brings no runner any more.
      if (!secret) return false;
      const token = await secret.read();
      if (await managers.remove(token, systemId)) return true;
      const newest = await secret.reread();
      return newest !== token && managers.remove(newest, systemId);
    },
    async find(profile) {
      const secret = readers.get(profile);
      if (!secret) return null;
      const { token, runnerId } = await verifiedOf(profile, secret);
      const details = await managers.readRunner(runnerId);
      if (details) return { runnerId, token, ...details };
      throw new LongLivedRunnerError(
        `GitLab does not show the long-lived runner of profile "${profile}" (${runnerId}): does it exist, and may ` +
          'our access token see it (manage_runner, Maintainer)?',
      );
    },
  };
}

/** The secret holds `{"token": "glrt-..."}` or the token alone. */
function tokenIn(text: string, secretArn: string): string {
  const parsed = tokenSecretSchema.safeParse(parseJson(text));
  const token = (parsed.success ? parsed.data.token : text).trim();
  if (tokenPattern.test(token)) return token;
  throw new SecretUnavailableError(
    `The secret ${secretArn} holds no runner token: store {"token": "glrt-..."} or the token alone`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
