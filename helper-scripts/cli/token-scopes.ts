/** An access token of ours, as far as its scopes are known. */
export type SeenToken = { readonly gitlab: string; readonly scopes: readonly string[] };

/** Whether GitLab's address has a path (`https://example.com/gitlab`), so that its API is below that. */
export function isBelowPath(gitlab: string): boolean {
  return new URL(gitlab).pathname !== '/';
}

/**
 * What a token lacks; null when it lacks nothing that can be told from its scopes. GitLab looks for `/api/v4/runners`
 * at the very beginning of a request's path before it honours `manage_runner`, and below a path no request begins so.
 */
export function lackOf({ gitlab, scopes }: SeenToken): string | null {
  if (!isBelowPath(gitlab) || scopes.includes('api')) return null;
  return 'lacks the scope api: below a path, GitLab does not let manage_runner end runners';
}
