import { defineDeployment } from '../../infrastructure/deployment/deployment.ts';

/** Where the local run has a long-lived runner: the secret with its token. */
const runnerTokenSecretArn = process.env.LOCAL_RUNNER_TOKEN_SECRET_ARN;

/**
 * The deployment of the local run. The only differences from yours: GitLab is on this machine, no container engine is
 * needed, and nothing takes minutes.
 */
export default [
  defineDeployment({
    name: 'local',
    gitlab: { url: process.env.LOCAL_GITLAB_URL ?? 'http://127.0.0.1:8929' },
    // Nothing costs here, and what went on can be read.
    workflowHistory: 'all',
    // Hosts boot within a second or two here: what nobody finishes is taken for dead after seconds instead of minutes.
    reconciler: { patience: 0.05 },
    profiles: {
      // Jobs run in a shell of this machine: there is no docker to give each a container.
      default: { type: 'EC2', executor: 'shell', timeoutMinutes: 10 },
      large: {
        type: 'EC2',
        executor: 'shell',
        instanceTypes: ['m7a.2xlarge', 'm7i.2xlarge'],
        timeoutMinutes: 10,
        retryInterrupted: 'onDemand',
      },
      ...(runnerTokenSecretArn ? { 'long-lived': { type: 'EC2', runnerTokenSecretArn, timeoutMinutes: 10 } } : {}),
      shell: {
        type: 'LAMBDA',
        packaging: process.env.LOCAL_LAMBDA_PACKAGING === 'image' ? 'image' : 'zip',
        architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
        timeoutMinutes: 10,
      },
    },
  }),
];
