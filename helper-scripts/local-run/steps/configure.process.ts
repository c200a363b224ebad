import { join } from 'node:path';
import { gitlabAccessToken } from '../local-deployment.ts';
import { runCli } from '../run-cli.process.ts';
import type { LocalRunStep } from './step.ts';

export const configure: LocalRunStep = {
  title: 'Secrets, webhook and job mappings, with our command line',
  async run(parts, tell) {
    const { gitlab, webhookUrl, longLivedRunner, options } = parts;
    const project = gitlab.createProject('examples/pipeline');
    tell('secret gitlab-token');
    await runCli(parts, ['secret', 'gitlab-token'], gitlabAccessToken);
    tell('webhook rotate');
    await runCli(parts, ['webhook', 'rotate', '--yes']);
    tell('webhook add');
    await runCli(parts, ['webhook', 'add', String(project.id), '--gitlab', gitlab.url, '--url', webhookUrl], '', {
      GITLAB_TOKEN: gitlabAccessToken,
    });
    tell('mapping import');
    await runCli(parts, ['mapping', 'import', join(import.meta.dirname, '../examples/job-mappings.yaml')]);
    if (longLivedRunner) {
      const tags = (options.longLivedRunnerTags ?? []).join(',');
      await runCli(parts, ['mapping', 'put', '*', '--type', 'EC2', '--tags', tags, '--profile-name', 'long-lived']);
    }
    return project.path;
  },
};
