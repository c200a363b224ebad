import { stringify } from 'smol-toml';
import { runnerSettingsOf } from '../infrastructure/deployment/profiles/runner-settings.ts';
import { sampleProfiles } from '../infrastructure/deployment/profiles/sample-profiles.ts';

const bucket = { name: 'sample', region: 'eu-west-1', prefix: 'shared' };
const identity = { name: 'sample', url: 'https://gitlab.example.com', token: 'glrt-fake-sample' };
const places = { builds_dir: '/root/builds', cache_dir: '/root/cache', shell: 'bash' };

/** What hosts of each executor write for gitlab-runner, with every setting that a profile has for it; by file name. */
export function sampleConfigs(): Readonly<Record<string, string>> {
  const { docker, shell } = sampleProfiles;
  const configOf = (runner: object) => `${stringify({ concurrent: 1, runners: [{ ...identity, ...runner }] })}\n`;
  const common = { 'tls-ca-file': '/run/ca.pem', clone_url: 'https://git.example.com' };
  return {
    'docker.toml': configOf({ ...common, executor: 'docker', ...runnerSettingsOf(docker, bucket) }),
    'shell.toml': configOf({ ...common, executor: 'shell', ...places, ...runnerSettingsOf(shell, bucket) }),
  };
}
