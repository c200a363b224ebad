import { type InvalidMapping, isUsable, type JobMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import type { RunnerItem } from '../../autoscaler/runners/runner-item.ts';
import type { Deployment } from '../../infrastructure/lib/deployment.ts';
import type { Distrust } from '../../infrastructure/lib/gitlab-trust.ts';
import { ageText } from './status-text.ts';
import { lackOf, type SeenToken } from './token-scopes.ts';

/** Something that a person should look at, and what to do about it. */
export type Finding = { readonly what: string; readonly wrong: string; readonly remedy: string };

/** What was seen of a deployment; null where it could not be seen. Times are milliseconds since 1970. */
export type SeenDeployment = {
  readonly rows: readonly (JobMapping | InvalidMapping)[];
  /** The profiles of the configuration at hand; null when there is none for this deployment. */
  readonly profiles: Deployment['profiles'] | null;
  /** The GitLab of that configuration, when Lambdas would not accept its certificate. */
  readonly gitlab: (Distrust & { readonly url: string }) | null;
  /** The stored access token, where its scopes matter and can be told from here. */
  readonly accessToken: SeenToken | null;
  readonly live: readonly RunnerItem[];
  readonly deadLetters: number;
  /** When the reconciler last began to ask GitLab for waiting jobs; 0 when it never did. */
  readonly lookedForJobsAt: number;
};

/** The reconciler asks at least this often, also when nothing else runs; twice that is not normal any more. */
const longestRoundMinutes = 15;
const longWaitMinutes = 30;

/** Everything in a deployment that is not as it should be, the gravest first. */
export function diagnose(seen: SeenDeployment, now: number): Finding[] {
  return [
    ...gitlabFindings(seen),
    ...tokenFindings(seen),
    ...reconcilerFindings(seen, now),
    ...jobFindings(seen, now),
    ...deadLetterFindings(seen),
    ...mappingFindings(seen),
  ];
}

function gitlabFindings({ gitlab }: SeenDeployment): Finding[] {
  if (!gitlab) return [];
  const { url, wrong, remedy } = gitlab;
  return [{ what: `GitLab (${url})`, wrong: `${wrong}, as seen from here with what Lambdas trust`, remedy }];
}

function tokenFindings({ accessToken }: SeenDeployment): Finding[] {
  const wrong = accessToken && lackOf(accessToken);
  if (!wrong) return [];
  const remedy = 'make a token with the scopes create_runner, read_api and api; store it with "secret gitlab-token"';
  return [{ what: `the access token for ${accessToken.gitlab}`, wrong, remedy }];
}

function reconcilerFindings({ lookedForJobsAt }: SeenDeployment, now: number): Finding[] {
  const silence = now - lookedForJobsAt;
  if (silence <= longestRoundMinutes * 60_000) return [];
  const since = lookedForJobsAt === 0 ? 'yet' : `for ${ageText(silence)}`;
  return [
    {
      what: 'the reconciler',
      wrong: `has not looked for waiting jobs ${since}`,
      remedy:
        'a minute after the first deployment it does; else look at the log of its Lambda (reconcile): is GitLab up, its certificate trusted, its token good?',
    },
  ];
}

function jobFindings({ live }: SeenDeployment, now: number): Finding[] {
  return live.flatMap((item) => {
    if (item.jobState !== 'PENDING') return [];
    const what = `job ${item.event.projectId}/${item.event.jobId} (${item.event.jobName})`;
    // The newest GitLab says since when; an older one's hook came in that moment.
    const age = now - Date.parse(item.event.occurredAt);
    if (item.state === 'FAILED') {
      const wrong = `has no runner after attempt ${item.attempt}: ${item.failure ?? 'no reason is known'}`;
      return [{ what, wrong, remedy: 'mend that, and retry the job in GitLab' }];
    }
    if (item.state === 'WAITING' && age > longWaitMinutes * 60_000) {
      const caps = item.caps.map(({ counter, limit }) => `${counter.replace('cap#', '')} <= ${limit}`).join(', ');
      return [
        { what, wrong: `has waited for ${ageText(age)} at a cap`, remedy: `raise maxConcurrent (${caps}), or wait` },
      ];
    }
    return [];
  });
}

function deadLetterFindings({ deadLetters }: SeenDeployment): Finding[] {
  if (deadLetters === 0) return [];
  const wrong = `${deadLetters} could not be handled`;
  return [
    { what: 'dead letters', wrong, remedy: '"dead-letters ls" shows why, "dead-letters redrive" sends them again' },
  ];
}

function mappingFindings({ rows, profiles }: SeenDeployment): Finding[] {
  return rows.flatMap((row) => {
    const what = `mapping ${row.id}`;
    if (!isUsable(row)) {
      return [
        {
          what,
          wrong: `is skipped: ${row.faults.join('; ')}`,
          remedy: 'mend it with "mapping put", or "mapping rm" it',
        },
      ];
    }
    const { target } = row;
    if (!profiles || target.type === 'IGNORE') return [];
    const name = target.type === 'LAMBDA' ? target.function : target.profile;
    // Which function an ARN is, only the deployed stack knows.
    if (name.startsWith('arn:') || profiles[name]?.type === target.type) return [];
    const known = Object.keys(profiles).filter((one) => profiles[one]?.type === target.type);
    const wrong = `names the ${target.type} profile "${name}", which the configuration has not`;
    return [{ what, wrong, remedy: `name one of ${known.join(', ') || '(none)'}, or deploy it` }];
  });
}
