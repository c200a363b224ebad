import { defineDeployments } from './infrastructure/deployment/deployment.ts';

/** What you edit: one entry for each deployment; with several, choose one with `cdk deploy -c deployment=NAME`. */
export default defineDeployments([
  {
    name: 'gitlab-runners',
    gitlab: { url: 'https://gitlab.com' },
    profiles: {
      // A job with "tags: [docker]" in its .gitlab-ci.yml goes to the first, one with "tags: [shell]" to the second.
      default: { type: 'EC2', tags: ['docker'] },
      shell: { type: 'LAMBDA', tags: ['shell'] },
    },
  },
]);
