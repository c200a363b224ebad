import type { Architecture } from '../infrastructure/lib/architecture.ts';
import type { ComponentSource } from './component-document.ts';
import { binaryArchitectures, type GitLabRunnerRelease, helperImageOf } from './gitlab-runner-version.ts';

/** What is done to Amazon Linux 2023, in this order, to make it a runner host; `scriptOf` gives the text of `components/<name>.sh`. */
export function imageComponents(
  release: GitLabRunnerRelease,
  architecture: Architecture,
  scriptOf: (name: string) => string,
): readonly ComponentSource[] {
  const runner = {
    version: release.version,
    binary_architecture: binaryArchitectures[architecture],
    sha256: release.sha256[architecture] ?? '',
  };
  const helper = { helper_image: helperImageOf(release, architecture) };
  return [
    {
      name: 'tools',
      description: 'docker, git, agents of Systems Manager and CloudWatch, credentials for ECR',
      scripts: { build: scriptOf('install-tools') },
      variables: {},
    },
    {
      name: 'gitlab-runner',
      description: `gitlab-runner ${release.version}, never as a service`,
      scripts: { build: scriptOf('install-gitlab-runner'), validate: scriptOf('check-installation') },
      variables: runner,
    },
    {
      name: 'helper-image',
      description: `The helper image of gitlab-runner ${release.version}`,
      scripts: { build: scriptOf('pull-helper-image'), test: scriptOf('check-booted-host') },
      variables: helper,
    },
    {
      name: 'clear-identity',
      description: 'Makes hosts of this image differ from each other',
      scripts: { build: scriptOf('clear-identity') },
      variables: {},
    },
  ];
}
