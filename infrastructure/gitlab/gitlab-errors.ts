/**
 * GitLab could not be asked: no answer, one that says "later" (408, 409, 5xx), or one that is not GitLab's, such as
 * a page of a proxy. Worth another try.
 */
export class GitLabUnavailableError extends Error {
  override readonly name = 'GitLabUnavailableError';
}

/**
 * GitLab may be asked again later and not now: its rate limit, or its limit of registered runners. Nobody did
 * anything wrong.
 */
export class GitLabLimitError extends Error {
  override readonly name = 'GitLabLimitError';
}

/** GitLab does not take our access token, or the token may do too little. The next look uses what is stored by then. */
export class GitLabTokenRefusedError extends Error {
  override readonly name = 'GitLabTokenRefusedError';
  /** The token is good for no call at all, not only for this one. */
  readonly forEveryCall: boolean;
  constructor(message: string, { forEveryCall = true, ...options }: ErrorOptions & { forEveryCall?: boolean } = {}) {
    super(message, options);
    this.forEveryCall = forEveryCall;
  }
}

/** GitLab understood and refused (400, 403, 422): a person must mend something. The token itself is good. */
export class GitLabRefusedError extends Error {
  override readonly name = 'GitLabRefusedError';
  /** It is the address that we come from which GitLab refuses, whatever we ask for. */
  readonly ofAddress: boolean;
  constructor(message: string, { ofAddress = false, ...options }: ErrorOptions & { ofAddress?: boolean } = {}) {
    super(message, options);
    this.ofAddress = ofAddress;
  }
}

/** What was asked for does not exist in GitLab, or may not be seen with this token: GitLab itself says so. */
export class GitLabNotFoundError extends Error {
  override readonly name = 'GitLabNotFoundError';
}
