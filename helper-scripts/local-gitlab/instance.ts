/** What the instance is to the outside. */
export interface Instance {
  /** Without a slash at its end. */
  readonly url: string;
  /** `19.4.0`, or an older one. */
  readonly version: string;
  /** `old` is GitLab before 18: no `project`, no `*_iso` dates and no `retries_count` in hooks, no signatures. */
  readonly hookShape: 'current' | 'old';
}

/** The one person who works here. */
export const user = {
  id: 1,
  name: 'Local User',
  username: 'local-user',
  email: 'local-user@example.com',
} as const;

/** The release that the local GitLab copies, unless it is told to look like an older one. */
export const currentVersion = '19.4.0';
export const oldVersion = '17.3.0';
