import type { GitLabConnection } from './gitlab-trust.ts';

type Settings = Readonly<Record<string, unknown>>;

/** Shells of GitLab Runner that read no `sh`. Source: https://docs.gitlab.com/runner/shells/ */
const otherShells: readonly unknown[] = ['pwsh', 'powershell'];

/**
 * Settings of a `[[runners]]` section, with which git in a job's own script trusts a GitLab that has `caCertificates`.
 * GitLab Runner itself sees to its own git alone. The job's log shows the hook as one line, and the profile's own hook
 * runs after it.
 */
export function withGitTrust(settings: Settings, { caCertificates, cloneUrl }: GitLabConnection): Settings {
  if (!caCertificates || otherShells.includes(settings.shell)) return settings;
  const own = typeof settings.pre_build_script === 'string' ? [settings.pre_build_script] : [];
  return { ...settings, pre_build_script: [trustScript(cloneUrl), ...own].join('\n') };
}

/**
 * By a section in the user's git configuration, and not by a variable: it holds for git that is installed later and for
 * after_script, and leaves other servers alone. Without a path in its URL, by which git-lfs would miss it. Where the
 * job cannot write there, or has no such file, nothing happens. For any `sh`, with or without git.
 * Source: https://git-scm.com/docs/git-config#Documentation/git-config.txt-httplturlgt
 */
function trustScript(cloneUrl: string | undefined): string {
  const others = cloneUrl ? ` '${new URL(cloneUrl).origin}'` : '';
  return `# git trusts the certificates of this GitLab
[ ! -s "\${CI_SERVER_TLS_CA_FILE:-}" ] || (
  host=\${CI_SERVER_URL#*://}
  for url in "\${CI_SERVER_URL%%://*}://\${host%%/*}"${others}; do
    printf '\\n[http "%s"]\\n\\tsslCAInfo = "%s"\\n' "$url" "$CI_SERVER_TLS_CA_FILE"
  done >>"\${GIT_CONFIG_GLOBAL:-$HOME/.gitconfig}"
) 2>/dev/null || :`;
}
