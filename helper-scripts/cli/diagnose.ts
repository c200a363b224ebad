import { type InvalidMapping, isUsable, type JobMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import type { Deployment } from '../../infrastructure/deployment/deployment.ts';
import type { Distrust } from '../../infrastructure/gitlab/gitlab-trust.ts';
import type { Finding } from './finding.ts';
import { jobFindings, type SeenJobs } from './job-findings.ts';
import { type AccountQuotas, quotaFindings } from './quota-notes.ts';
import { ageText } from './time-text.ts';
import { lackOf, type SeenToken } from './token-scopes.ts';

/** What was seen of a deployment; null where it could not be seen. Times are milliseconds since 1970. */
export type SeenDeployment = Omit<SeenJobs, 'maxAttempts'> & {
  readonly rows: readonly (JobMapping | InvalidMapping)[];
  /** The configuration at hand; null when there is none for this deployment. */
  readonly configured: Deployment | null;
  readonly quotas: AccountQuotas;
  /** The GitLab of that configuration, when Lambdas would not accept its certificate. */
  readonly gitlab: (Distrust & { readonly url: string }) | null;
  /** The stored access token, where its scopes matter and can be told from here. */
  readonly accessToken: SeenToken | null;
  readonly deadLetters: number;
  /** When the reconciler last began to ask GitLab for waiting jobs; 0 when it never did. */
  readonly lookedForJobsAt: number;
};

/** The reconciler asks at least this often, also when nothing else runs; twice that is not normal any more. */
const longestRoundMinutes = 15;

/** Everything in a deployment that is not as it should be, the gravest first. */
export function diagnose(seen: SeenDeployment, now: number): Finding[] {
  return [
    ...gitlabFindings(seen),
    ...tokenFindings(seen),
    ...reconcilerFindings(seen, now),
    ...jobFindings({ ...seen, maxAttempts: seen.configured?.maxAttempts ?? null }, now),
    ...deadLetterFindings(seen),
    ...mappingFindings(seen),
    ...quotaFindings(seen.quotas, seen.configured),
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

function deadLetterFindings({ deadLetters }: SeenDeployment): Finding[] {
  if (deadLetters === 0) return [];
  const wrong = `${deadLetters} could not be handled`;
  return [
    { what: 'dead letters', wrong, remedy: '"dead-letters ls" shows why, "dead-letters redrive" sends them again' },
  ];
}

function mappingFindings({ rows, configured }: SeenDeployment): Finding[] {
  const profiles = configured?.profiles;
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
    const fallback = fallbackFinding(row, profiles);
    const { profile: name } = target;
    // Which function an ARN is, only the deployed stack knows.
    if (name.startsWith('arn:') || profiles[name]?.type === target.type) return fallback;
    const known = Object.keys(profiles).filter((one) => profiles[one]?.type === target.type);
    const wrong = `names the ${target.type} profile "${name}", which the configuration has not`;
    return [{ what, wrong, remedy: `name one of ${known.join(', ') || '(none)'}, or deploy it` }, ...fallback];
  });
}

/** A fallback that is not there, or does not take all of the row's jobs, keeps each of them from being started. */
function fallbackFinding({ id, target, isProtected }: JobMapping, profiles: Deployment['profiles']): Finding[] {
  if (target.type === 'IGNORE' || target.fallbackProfile === undefined) return [];
  const name = target.fallbackProfile;
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  const what = `mapping ${id}`;
  if (!profile) {
    const remedy = `name one of ${Object.keys(profiles).join(', ')}, or deploy it`;
    return [{ what, wrong: `falls back to the profile "${name}", which the configuration has not`, remedy }];
  }
  if (profile.accessLevel === 'ref_protected' && !isProtected) {
    const wrong = `falls back to the profile "${name}", which is for protected branches and tags alone: jobs of others are not started`;
    return [{ what, wrong, remedy: 'name another one, or write "protected": true and another row for the other refs' }];
  }
  if (name !== target.profile) return [];
  const wrong = `falls back to "${name}", where its jobs run anyway`;
  return [{ what, wrong, remedy: 'name another profile, or leave fallbackProfile out' }];
}
