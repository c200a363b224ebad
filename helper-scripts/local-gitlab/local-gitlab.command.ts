import { parseArgs } from 'node:util';
import { startLocalGitLab } from './local-gitlab.server.ts';

/**
 * The local GitLab as a program: `local-gitlab.command.ts --port N --admin-token T [--webhook-url U] [--webhook-token
 * T] [--webhook-signing-token T] [--old]`. Prints one JSON line with its URL when it is ready, then one for each change
 * of a job, and runs until it gets SIGTERM or SIGINT. `/_local/` drives it.
 */

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    port: { ...text, default: '0' },
    hostname: { ...text, default: '127.0.0.1' },
    'admin-token': text,
    'webhook-url': text,
    'webhook-token': text,
    'webhook-signing-token': text,
    'long-poll-seconds': { ...text, default: '0' },
    old: { type: 'boolean', default: false },
  },
});
const adminToken = values['admin-token'] ?? process.env.LOCAL_GITLAB_ADMIN_TOKEN;
if (adminToken === undefined || adminToken === '') {
  process.stderr.write('local-gitlab: give --admin-token or set LOCAL_GITLAB_ADMIN_TOKEN\n');
  process.exit(2);
}

const token = values['webhook-token'];
const signingToken = values['webhook-signing-token'];
const webhook =
  values['webhook-url'] === undefined
    ? undefined
    : {
        url: values['webhook-url'],
        ...(token === undefined ? {} : { token }),
        ...(signingToken === undefined ? {} : { signingToken }),
      };
const gitlab = await startLocalGitLab({
  port: Number(values.port),
  hostname: values.hostname,
  adminToken,
  longPollSeconds: Number(values['long-poll-seconds']),
  hookShape: values.old ? 'old' : 'current',
  ...(webhook === undefined ? {} : { webhook }),
});
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
gitlab.onJobChange(({ at, from, to, job }) => print({ at, job: job.id, name: job.name, from, to }));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void gitlab.stop());
print({ url: gitlab.url, pid: process.pid });
