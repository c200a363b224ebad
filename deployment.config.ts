import { defineDeployments } from './infrastructure/lib/deployment.ts';

/** What you edit: one entry for each deployment; with several, choose one with `cdk deploy -c deployment=NAME`. */
export default defineDeployments([
  {
    name: 'gitlab-runners',
    gitlab: { url: 'https://gitlab.com' },
    profiles: {
      default: { type: 'EC2' },
      shell: { type: 'LAMBDA' },
    },
  },
]);
