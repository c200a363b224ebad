import { runnerSettingsOf } from '../infrastructure/deployment/profiles/runner-settings.ts';
import { sampleProfiles } from '../infrastructure/deployment/profiles/sample-profiles.ts';
import { connectionSettingsOf } from '../infrastructure/gitlab/gitlab-trust.ts';
import { layOutJobFolder, renderRunnerConfig } from './runner-config.ts';

/** What a function writes for gitlab-runner, with every setting that a profile has for it. */
export function sampleConfig(): string {
  const runner = { name: 'sample', url: 'https://gitlab.example.com', token: 'glrt-fake-sample' };
  const connection = connectionSettingsOf({ cloneUrl: 'https://git.example.com', caCertificates: 'sample' });
  const settings = { ...connection, ...runnerSettingsOf(sampleProfiles.function) };
  return renderRunnerConfig(runner, layOutJobFolder('/tmp/job'), settings);
}
