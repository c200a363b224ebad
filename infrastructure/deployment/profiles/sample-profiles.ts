import type { z } from 'zod';
import { ec2ProfileSchema } from './ec2-profile.ts';
import { lambdaProfileSchema } from './lambda-profile.ts';

/** What profiles of both types say of their runners. */
const common = {
  environment: { LEVEL: 'sample', FOLDER: '$CI_PROJECT_DIR/sample' },
  outputLimitKiB: 1_024,
  hooks: { preGetSources: 'true', postGetSources: 'true', preBuild: 'true', postBuild: 'true' },
};

const docker = {
  image: 'alpine',
  privileged: true,
  hostSocket: true,
  buildsDir: '/srv/builds',
  cacheDir: '/srv/cache',
  shell: 'bash',
  volumes: ['/data'],
  pullPolicies: ['always', 'if-not-present', 'never'],
  services: [{ name: 'docker:28-dind', alias: 'docker', command: ['--mtu=1400'] }],
  capAdd: ['SYS_PTRACE'],
  shmSizeMiB: 256,
} satisfies z.input<typeof ec2ProfileSchema>['docker'];

const host = { type: 'EC2', ...common, cache: { prefix: 'shared', maxArchiveMiB: 512 } } as const;

/** Profiles that say everything of their runners that can be said, by the kind of runner. */
export const sampleProfiles = {
  docker: ec2ProfileSchema.parse({ ...host, executor: 'docker', docker }),
  shell: ec2ProfileSchema.parse({ ...host, executor: 'shell' }),
  function: lambdaProfileSchema.parse({ type: 'LAMBDA', ...common }),
};
