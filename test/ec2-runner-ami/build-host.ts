import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** What a build host needs of the machine; null when it has it. */
export function whyNoBuildHost(): string | null {
  const { status, stderr, error } = spawnSync('unshare', [...namespaces, 'chroot', '/', 'true'], {
    encoding: 'utf8',
    // Debian's users do not look where chroot is.
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  return status === 0 ? null : `no namespaces here: ${error?.message ?? stderr}`.trim();
}

const namespaces = [...(process.getuid?.() === 0 ? [] : ['--map-root-user']), '--mount'];
const programFolders = ['bin', 'sbin', 'lib', 'lib64', 'usr'];

const enter = `
set -e
for folder in ${programFolders.join(' ')}; do
  [ -L "$1/$folder" ] || [ ! -d "$1/$folder" ] || mount --rbind "/$folder" "$1/$folder"
done
mount --rbind /dev "$1/dev"
mount --rbind /proc "$1/proc"
exec chroot "$1" /bin/bash -c "$2"
`;

/**
 * A root file system of its own, with this machine's programs and with stand-ins, first on the PATH, for those that
 * change a host. A stand-in is called with what is noted in `calls`, and runs the bash lines that are given for it.
 */
export function createBuildHost(standIns: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), 'build-host-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of ['dev', 'proc', 'etc', 'var', 'root', 'stand-ins']) mkdirSync(join(root, folder));
  mkdirSync(join(root, 'tmp'), { mode: 0o777 });
  for (const folder of programFolders.filter((name) => existsSync(`/${name}`))) {
    if (lstatSync(`/${folder}`).isSymbolicLink()) symlinkSync(readlinkSync(`/${folder}`), join(root, folder));
    else mkdirSync(join(root, folder));
  }
  for (const [name, lines] of Object.entries(standIns)) {
    const file = join(root, 'stand-ins', name);
    writeFileSync(file, `#!/bin/bash\necho "${name} $*" >>/calls\n${lines}\n`);
    chmodSync(file, 0o755);
  }
  const read = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined);
  return {
    read,
    write: (path: string, text: string) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    },
    exists: (path: string) => existsSync(join(root, path)),
    modeOf: (path: string) => (lstatSync(join(root, path)).mode & 0o777).toString(8),
    /** Runs a command as Image Builder does: by bash, as root. */
    run: (command: string) => {
      const { status, stderr } = spawnSync('unshare', [...namespaces, 'sh', '-c', enter, 'sh', root, command], {
        encoding: 'utf8',
        env: { PATH: '/stand-ins:/usr/bin:/bin:/usr/sbin:/sbin' },
      });
      return { status, stderr, calls: (read('calls') ?? '').split('\n').slice(0, -1) };
    },
  };
}
