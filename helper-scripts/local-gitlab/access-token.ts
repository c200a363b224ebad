/** A token for the API, and what it is good for. */
export interface AccessToken {
  readonly token: string;
  readonly scopes: readonly TokenScope[];
}

export type TokenScope = 'api' | 'read_api' | 'create_runner' | 'manage_runner';

/**
 * The scopes of which a token needs one for a call, or null for a call that every token may make. `manage_runner`
 * reaches what begins with `/runners`, and nothing of a project or a group.
 * Source: https://docs.gitlab.com/user/profile/personal_access_tokens/#personal-access-token-scopes
 * @param path without `/api/v4`
 */
export function scopesFor(method: string, path: string): readonly TokenScope[] | null {
  if (path === '/personal_access_tokens/self') return null;
  const reading: readonly TokenScope[] = method === 'GET' || method === 'HEAD' ? ['read_api'] : [];
  if (path === '/user/runners' && method === 'POST') return ['api', 'create_runner'];
  if (path === '/runners' || path.startsWith('/runners/')) return ['api', ...reading, 'manage_runner'];
  return ['api', ...reading];
}
