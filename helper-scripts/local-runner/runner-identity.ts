import { createHmac } from 'node:crypto';

/** The release whose behaviour the stand-in copies. */
export const runnerVersion = '19.3.0';
export const runnerRevision = 'stand-in';

const systemIdPattern = /^[rs]_[0-9a-zA-Z]{12}$/;
const systemIdLength = 12;

export function isSystemId(text: string): boolean {
  return systemIdPattern.test(text);
}

/** The same host gives the same id, without giving its machine-id away. */
export function deriveSystemId(machineId: string): string {
  const digest = createHmac('sha256', machineId).update('gitlab-runner').digest('hex');
  return `s_${digest.slice(0, systemIdLength)}`;
}

/** @param bytes at least twelve random bytes */
export function randomSystemId(bytes: Uint8Array): string {
  const letters = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const picked = Array.from(bytes.subarray(0, systemIdLength), (byte) => letters[byte % letters.length]);
  return `r_${picked.join('')}`;
}

/** Says what it is to whoever reads a server's log: never mistaken for the real program. */
export function userAgent(nodeVersion: string, platform: string, architecture: string): string {
  return `gitlab-runner ${runnerVersion} (stand-in; node ${nodeVersion}; ${platform}/${architecture})`;
}

/** Go's name for what Node calls x64. */
export function goArchitecture(nodeArchitecture: string): string {
  return nodeArchitecture === 'x64' ? 'amd64' : nodeArchitecture;
}

export function versionText(nodeVersion: string, platform: string, architecture: string): string {
  return [
    `Version:      ${runnerVersion}`,
    `Git revision: ${runnerRevision}`,
    'Git branch:   none: this is the stand-in of gitlab-runners-on-demand, not GitLab Runner',
    `GO version:   none: node ${nodeVersion}`,
    `OS/Arch:      ${platform}/${architecture}`,
  ].join('\n');
}

/** `info` of every request: what this runner is and can do. Features are those that 19.3.0 announced. */
export function runnerInfo(executor: string, shell: string, platform: string, architecture: string) {
  return {
    name: 'gitlab-runner',
    version: runnerVersion,
    revision: runnerRevision,
    platform,
    architecture,
    executor,
    shell,
    features: {
      variables: true,
      image: executor === 'docker',
      services: executor === 'docker',
      artifacts: true,
      cache: true,
      fallback_cache_keys: true,
      shared: true,
      upload_multiple_artifacts: true,
      upload_raw_artifacts: true,
      session: true,
      terminal: true,
      refspecs: true,
      masking: true,
      proxy: false,
      raw_variables: true,
      artifacts_exclude: true,
      multi_build_steps: true,
      trace_reset: true,
      trace_checksum: true,
      trace_size: true,
      vault_secrets: true,
      cancelable: true,
      return_exit_code: true,
      service_variables: false,
      service_multiple_aliases: false,
      image_executor_opts: false,
      service_executor_opts: false,
      cancel_gracefully: true,
      native_steps_integration: true,
      two_phase_job_commit: true,
      job_inputs: true,
    },
    config: { gpus: '' },
  };
}

export type RunnerInfo = ReturnType<typeof runnerInfo>;
