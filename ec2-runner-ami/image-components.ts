import {
  type GitLabRunnerRelease,
  helperImageOf,
  installVariables,
} from '../infrastructure/gitlab-runner/gitlab-runner-release.ts';
import type { Architecture } from '../infrastructure/kit/architecture.ts';
import type { ComponentSource } from './component-document.ts';
import { sampleConfigs } from './sample-configs.ts';

/** Texts of the scripts, by their paths from this folder. */
export type ReadText = (path: string) => string;

/** What is done to Amazon Linux 2023, in this order and before anything of the user's, to make it a runner host. */
export function buildComponents(
  release: GitLabRunnerRelease,
  architecture: Architecture,
  read: ReadText,
): readonly ComponentSource[] {
  return [
    {
      name: 'tools',
      description: 'docker, git, agents of Systems Manager and CloudWatch, credentials for ECR',
      scripts: { build: read('components/install-tools.sh') },
      variables: {},
    },
    {
      name: 'gitlab-runner',
      description: `gitlab-runner ${release.version}`,
      scripts: { build: read('../infrastructure/gitlab-runner/install-gitlab-runner.sh') },
      variables: { ...installVariables(release, architecture), destination: '/usr/bin/gitlab-runner', mode: '755' },
    },
    {
      name: 'helper-image',
      description: `The helper image of gitlab-runner ${release.version}`,
      scripts: { build: read('components/pull-helper-image.sh') },
      variables: { helper_image: helperImageOf(release, architecture) },
    },
  ];
}

/** What comes last: the image becomes one for many hosts, and no image is published that cannot run jobs. */
export function finalComponents(
  release: GitLabRunnerRelease,
  architecture: Architecture,
  read: ReadText,
): readonly ComponentSource[] {
  const helper = { helper_image: helperImageOf(release, architecture) };
  return [
    {
      name: 'clear-identity',
      description: 'Makes hosts of this image differ from each other',
      scripts: { build: read('components/clear-identity.sh') },
      variables: {},
    },
    {
      name: 'host',
      description: 'Everything is there, and a host boots with it',
      scripts: { validate: read('components/check-installation.sh'), test: read('components/check-booted-host.sh') },
      variables: { version: release.version, ...helper },
    },
    {
      name: 'runner-config',
      description: 'gitlab-runner knows every key that a host writes for it',
      scripts: { validate: read('../infrastructure/gitlab-runner/check-runner-configs.sh') },
      variables: {},
      files: sampleConfigs(),
    },
    {
      name: 'jobs',
      description: 'gitlab-runner runs a job with the shell and one with the docker executor',
      scripts: { test: read('components/check-jobs.sh') },
      variables: { executors: 'shell docker', ...helper },
      files: { 'stub-gitlab.py': read('components/stub-gitlab.py') },
    },
  ];
}
