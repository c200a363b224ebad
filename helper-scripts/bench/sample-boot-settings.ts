import type { BootSettings } from '../../autoscaler/runner-types/ec2/boot-script.ts';

/** Settings of a host that runs jobs in containers and has nothing out of the ordinary. */
export const sampleBootSettings: BootSettings = {
  deployment: 'ci',
  ticketsTable: 'tickets',
  roleId: 'AROAFAKE',
  gitlabUrl: 'https://gitlab.example.com',
  executor: 'docker',
  runnerSettings: { docker: { image: 'alpine:3' } },
  caCertificates: '',
  dockerConfig: '',
  registrySecretArn: '',
  registryMirror: '',
  logGroup: 'hosts',
  logPrefix: 'docker/',
  bootHook: '',
  waitTimeoutSeconds: 60,
  claimSeconds: 180,
  heldSeconds: 900,
  maximumJobMinutes: 60,
};
