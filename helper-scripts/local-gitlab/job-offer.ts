import { type Instance, user } from './instance.ts';
import type { Job } from './job.ts';
import { type Pipeline, type Project, projectName, projectNamespace } from './project.ts';
import type { Runner } from './runner.ts';
import { isProtected } from './runner-matching.ts';

export interface OfferSubject {
  readonly instance: Instance;
  readonly project: Project;
  readonly pipeline: Pipeline;
  readonly job: Job;
  readonly runner: Runner;
}

interface OfferVariable {
  readonly key: string;
  readonly value: string;
  readonly public: boolean;
  readonly masked: boolean;
  readonly file?: boolean;
  readonly raw?: boolean;
}

const projectTimeoutSeconds = 3600;
const afterScriptTimeoutSeconds = 300;
/** The one that every self-managed GitLab has. */
const organizationId = 1;
const noCommit = '0'.repeat(40);

/** The reasons with which a runner may fail a job; a runner translates those that an older server does not list. */
const failureReasons = [
  'unknown_failure',
  'script_failure',
  'runner_system_failure',
  'job_execution_timeout',
  'image_pull_failure',
];

/** Seconds after which the runner has to end a job: the shorter of the job's and the runner's limit. */
function effectiveTimeoutSeconds(job: Job, runner: Runner): number {
  return Math.min(job.plan.timeoutSeconds ?? projectTimeoutSeconds, runner.maximumTimeoutSeconds ?? Infinity);
}

/**
 * A job as `POST /jobs/request` hands it out. `run` and `inputs` are left out: gitlab-runner cannot read them empty.
 */
export function renderJobOffer(subject: OfferSubject): Readonly<Record<string, unknown>> {
  const { instance, project, pipeline, job, runner } = subject;
  const { plan } = job;
  const timeout = effectiveTimeoutSeconds(job, runner);
  return {
    id: job.id,
    token: job.token,
    allow_git_fetch: true,
    job_info: {
      id: job.id,
      name: plan.name,
      stage: plan.stage,
      pipeline_id: pipeline.id,
      project_id: project.id,
      project_name: projectName(project),
      project_full_path: project.path,
      namespace_id: project.groupIds.at(-1) ?? 0,
      root_namespace_id: project.groupIds[0] ?? 0,
      organization_id: organizationId,
      user_id: user.id,
    },
    git_info: {
      repo_url: repositoryUrl(instance, project, job),
      ref: pipeline.ref,
      sha: pipeline.sha,
      before_sha: noCommit,
      ref_type: pipeline.refType,
      refspecs: [refspecOf(pipeline)],
      depth: 20,
      repo_object_format: 'sha1',
      protected: isProtected(project, pipeline),
    },
    runner_info: { timeout, runner_session_url: null },
    variables: renderVariables(subject),
    steps: [
      { name: 'script', script: plan.script, timeout, when: 'on_success', allow_failure: false },
      ...(plan.afterScript.length === 0
        ? []
        : [
            {
              name: 'after_script',
              script: plan.afterScript,
              timeout: afterScriptTimeoutSeconds,
              when: 'always',
              allow_failure: true,
            },
          ]),
    ],
    image: plan.image === null ? null : { name: plan.image },
    services: [],
    artifacts: [],
    cache: [],
    credentials: [],
    dependencies: [],
    hooks: [],
    features: {
      trace_sections: true,
      token_mask_prefixes: [],
      failure_reasons: instance.hookShape === 'old' ? failureReasons : [...failureReasons, 'runner_interrupted'],
    },
  };
}

function renderVariables({ instance, project, pipeline, job, runner }: OfferSubject): readonly OfferVariable[] {
  const { plan } = job;
  const predefined: Record<string, string> = {
    CI: 'true',
    GITLAB_CI: 'true',
    GITLAB_USER_ID: String(user.id),
    GITLAB_USER_LOGIN: user.username,
    CI_SERVER_URL: instance.url,
    CI_SERVER_HOST: new URL(instance.url).hostname,
    CI_SERVER_NAME: 'GitLab',
    CI_SERVER_VERSION: instance.version,
    CI_API_V4_URL: `${instance.url}/api/v4`,
    CI_PROJECT_ID: String(project.id),
    CI_PROJECT_NAME: projectName(project),
    CI_PROJECT_NAMESPACE: projectNamespace(project),
    CI_PROJECT_PATH: project.path,
    CI_PROJECT_URL: `${instance.url}/${project.path}`,
    CI_DEFAULT_BRANCH: project.defaultBranch,
    CI_PIPELINE_ID: String(pipeline.id),
    CI_PIPELINE_IID: String(pipeline.iid),
    CI_PIPELINE_SOURCE: 'api',
    CI_COMMIT_SHA: pipeline.sha,
    CI_COMMIT_SHORT_SHA: pipeline.sha.slice(0, 8),
    [pipeline.refType === 'tag' ? 'CI_COMMIT_TAG' : 'CI_COMMIT_BRANCH']: pipeline.ref,
    CI_COMMIT_REF_NAME: pipeline.ref,
    CI_COMMIT_REF_PROTECTED: String(isProtected(project, pipeline)),
    CI_JOB_ID: String(job.id),
    CI_JOB_NAME: plan.name,
    CI_JOB_STAGE: plan.stage,
    ...(plan.image ? { CI_JOB_IMAGE: plan.image } : {}),
    CI_JOB_URL: `${instance.url}/${project.path}/-/jobs/${job.id}`,
    CI_RUNNER_ID: String(runner.id),
    CI_RUNNER_DESCRIPTION: runner.description,
    CI_RUNNER_TAGS: JSON.stringify(runner.tags),
    CI_REPOSITORY_URL: repositoryUrl(instance, project, job),
    // There is no repository behind a local project.
    GIT_STRATEGY: 'none',
  };
  const open = (key: string, value: string): OfferVariable => ({ key, value, public: true, masked: false });
  return [
    ...Object.entries(predefined).map(([key, value]) => open(key, value)),
    { key: 'CI_JOB_TOKEN', value: job.token, public: false, masked: true },
    ...project.variables.map(({ key, value, file, masked }) => ({ key, value, public: false, masked, file })),
    ...Object.entries({ ...plan.variables, ...pipeline.variables }).map(([key, value]) => open(key, value)),
  ];
}

function repositoryUrl(instance: Instance, project: Project, job: Job): string {
  const url = new URL(`${instance.url}/${project.path}.git`);
  url.username = 'gitlab-ci-token';
  url.password = job.token;
  return url.href;
}

function refspecOf({ ref, refType }: Pipeline): string {
  return refType === 'tag' ? `+refs/tags/${ref}:refs/tags/${ref}` : `+refs/heads/${ref}:refs/remotes/origin/${ref}`;
}
