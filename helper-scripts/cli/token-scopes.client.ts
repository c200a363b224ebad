/** Longer than a GitLab that can be reached from here takes. */
const timeoutMilliseconds = 5_000;

/**
 * The scopes of an access token, as GitLab tells them; null when it does not, or cannot be reached from here.
 *
 * @see https://docs.gitlab.com/api/personal_access_tokens/
 */
export async function readTokenScopes(gitlab: string, token: string): Promise<readonly string[] | null> {
  try {
    const response = await fetch(`${gitlab.replace(/\/+$/, '')}/api/v4/personal_access_tokens/self`, {
      headers: { 'private-token': token },
      // A redirect would carry the token to wherever it points.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMilliseconds),
    });
    const { scopes } = response.ok ? ((await response.json()) as { scopes?: unknown }) : {};
    return Array.isArray(scopes) ? scopes.map(String) : null;
  } catch {
    return null;
  }
}
