import * as z from 'zod/mini';
import { createRunnerManagers, type RunnerManagers } from '../infrastructure/lib/gitlab-managers.client.ts';
import { readEnvironment } from '../infrastructure/lib/lambda-handler.client.ts';
import { createSecretReader, SecretUnavailableError } from '../infrastructure/lib/secret.client.ts';
import { runnerTokensEnvironment } from './environment.ts';
import { gitlabOptionsFromEnvironment } from './live-gitlab.client.ts';
import { LongLivedRunnerError, type LongLivedRunners } from './runners/long-lived-runner.ts';

const tokenSecretSchema = z.object({ token: z.string() });
/** What goes into a host's configuration as it is; the prefix of tokens is a setting of GitLab. */
const tokenPattern = /^[A-Za-z0-9._-]+$/;

/** The long-lived runners of the deployment's profiles, with their tokens from the secrets that the environment names. */
export function createLongLivedRunners(
  managers: RunnerManagers = createRunnerManagers(gitlabOptionsFromEnvironment()),
  { RUNNER_TOKEN_SECRETS: secrets = {} } = readEnvironment(runnerTokensEnvironment),
  readerOf = (secretArn: string) => createSecretReader(secretArn, process.env, Date.now),
): LongLivedRunners {
  const readers = new Map(Object.entries(secrets).map(([profile, secretArn]) => [profile, readerOf(secretArn)]));
  /** A token's runner never changes. */
  const runnerIds = new Map<string, number>();

  /** Null when the profile brings no runner (any more). */
  const tokenOf = async (profile: string): Promise<string | null> => {
    const read = readers.get(profile);
    return read ? tokenIn(await read(), secrets[profile] ?? '') : null;
  };
  return {
    runningJobsOf: managers.runningJobsOf,
    async remove({ profile, systemId }) {
      const token = await tokenOf(profile);
      return token !== null && (await managers.remove(token, systemId));
    },
    async find(profile) {
      const token = await tokenOf(profile);
      if (token === null) return null;
      const what = `the long-lived runner of profile "${profile}"`;
      const runnerId = runnerIds.get(token) ?? (await managers.verify(token));
      if (runnerId === null) {
        throw new LongLivedRunnerError(
          `GitLab does not know ${what}: store its authentication token in ${secrets[profile]}, or make a new runner`,
        );
      }
      runnerIds.set(token, runnerId);
      const details = await managers.readRunner(runnerId);
      if (details) return { runnerId, token, ...details };
      runnerIds.delete(token);
      throw new LongLivedRunnerError(
        `GitLab does not show ${what} (${runnerId}): does it exist, and may our access token see it (manage_runner, Maintainer)?`,
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
