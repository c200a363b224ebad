import { z } from 'zod';
import { nearestOf } from '../nearest-name.ts';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/**
 * What GitLab, or gitlab-runner after a runner's own `environment`, sets in every job: what a runner says of the same
 * name is lost.
 * Source: https://docs.gitlab.com/ci/variables/predefined_variables/, and `GetAllVariables` of gitlab-runner's
 * `common/build.go`
 */
const alwaysSet = words(`
  CI CI_API_GRAPHQL_URL CI_API_V4_URL CI_BUILDS_DIR CI_COMMIT_AUTHOR CI_COMMIT_BEFORE_SHA CI_COMMIT_DESCRIPTION
  CI_COMMIT_MESSAGE   CI_COMMIT_REF_NAME CI_COMMIT_REF_PROTECTED CI_COMMIT_REF_SLUG CI_COMMIT_SHA CI_COMMIT_SHORT_SHA
  CI_COMMIT_TIMESTAMP CI_COMMIT_TITLE   CI_CONCURRENT_ID CI_CONCURRENT_PROJECT_ID CI_CONFIG_PATH CI_DEFAULT_BRANCH
  CI_JOB_ID CI_JOB_NAME CI_JOB_NAME_SLUG CI_JOB_STAGE   CI_JOB_STARTED_AT CI_JOB_STATUS CI_JOB_TIMEOUT CI_JOB_TOKEN
  CI_JOB_URL CI_NODE_TOTAL CI_PAGES_DOMAIN CI_PAGES_URL   CI_PIPELINE_CREATED_AT CI_PIPELINE_ID CI_PIPELINE_IID
  CI_PIPELINE_SOURCE CI_PIPELINE_URL CI_PROJECT_CLASSIFICATION_LABEL   CI_PROJECT_DESCRIPTION CI_PROJECT_DIR
  CI_PROJECT_ID CI_PROJECT_NAME CI_PROJECT_NAMESPACE CI_PROJECT_NAMESPACE_ID CI_PROJECT_PATH   CI_PROJECT_PATH_SLUG
  CI_PROJECT_REPOSITORY_LANGUAGES CI_PROJECT_ROOT_NAMESPACE CI_PROJECT_TITLE CI_PROJECT_URL   CI_PROJECT_VISIBILITY
  CI_REPOSITORY_URL CI_RUNNER_DESCRIPTION CI_RUNNER_EXECUTABLE_ARCH CI_RUNNER_ID CI_RUNNER_REVISION   CI_RUNNER_TAGS
  CI_RUNNER_VERSION CI_SERVER CI_SERVER_FQDN CI_SERVER_HOST CI_SERVER_NAME CI_SERVER_PORT CI_SERVER_PROTOCOL
  CI_SERVER_REVISION CI_SERVER_SHELL_SSH_HOST CI_SERVER_SHELL_SSH_PORT CI_SERVER_URL CI_SERVER_VERSION
  CI_SERVER_VERSION_MAJOR   CI_SERVER_VERSION_MINOR CI_SERVER_VERSION_PATCH CI_TEMPLATE_REGISTRY_HOST GITLAB_CI
  GITLAB_FEATURES GITLAB_USER_EMAIL GITLAB_USER_ID   GITLAB_USER_LOGIN GITLAB_USER_NAME RUNNER_TEMP_PROJECT_DIR
`);

/** What it sets in some jobs, and what begins so. Elsewhere a runner's own would count. */
const sometimesSet = words(`
  CI_COMMIT_BRANCH CI_COMMIT_TAG CI_COMMIT_TAG_MESSAGE CI_DEPLOY_PASSWORD CI_DEPLOY_USER CI_DISPOSABLE_ENVIRONMENT
  CI_JOB_IMAGE   CI_JOB_MANUAL CI_NODE_INDEX CI_OPEN_MERGE_REQUESTS CI_PIPELINE_NAME CI_PIPELINE_TRIGGERED CI_REGISTRY
  CI_REGISTRY_IMAGE   CI_REGISTRY_PASSWORD CI_REGISTRY_USER CI_RELEASE_DESCRIPTION CI_RUNNER_SHORT_TOKEN
  CI_SERVER_TLS_CA_FILE CI_SHARED_ENVIRONMENT
`);
const sometimesSetPrefixes = /^CI_(?:MERGE_REQUEST|EXTERNAL_PULL_REQUEST|ENVIRONMENT|DEPENDENCY_PROXY)_/;

const isOfGitLab = (name: string) =>
  alwaysSet.includes(name) || sometimesSet.includes(name) || sometimesSetPrefixes.test(name);

const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'write the name of an environment variable')
  .refine((name) => !alwaysSet.includes(name), {
    error: 'GitLab sets this in every job, over what a runner says; choose another name',
  });

const variableValue = z
  .string()
  .refine((value) => !value.includes('\0'), { error: 'has a zero byte, which no variable can have; remove it' })
  .superRefine((value, context) => {
    for (const reference of referencesIn(value)) {
      const message = whyEmpty(reference);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    }
  });

/** Variables that a profile gives to its jobs. */
export const environmentSchema = z.record(variableName, variableValue);

type Reference = { readonly text: string; readonly name: string | undefined };

/**
 * What gitlab-runner replaces in a value, but for `$$`, which it makes a dollar sign. Source:
 * https://pkg.go.dev/os#Expand
 */
function referencesIn(value: string): readonly Reference[] {
  return [...value.matchAll(/\$(?:\$|\{([^}]*)\}|(\w+))?/g)]
    .filter(([text]) => text !== '$$')
    .map(([text, inBraces, bare]) => ({ text, name: inBraces ?? bare }));
}

/**
 * gitlab-runner knows the variables of the job, and nothing of where it runs: what it does not know becomes nothing.
 */
function whyEmpty({ text, name }: Reference): string | undefined {
  if (name !== undefined && isOfGitLab(name)) return undefined;
  const nearest = name === undefined ? undefined : nearestOf(name, [...alwaysSet, ...sometimesSet]);
  const meant = nearest === undefined ? '' : `did you mean "$${nearest}"? Else `;
  const remedy = 'write "$$" for a dollar sign, or export the variable in hooks.preBuild';
  return `"${text}" is no variable of GitLab's, and would vanish; ${meant}${remedy}`;
}
