/** GitLab did not answer, or said that it cannot now (429, 5xx), until our patience ended. Worth another try later. */
export class GitLabUnavailableError extends Error {
  override readonly name = 'GitLabUnavailableError';
}

/** GitLab understood and refused (400, 401, 403): no try will change that, a person must. */
export class GitLabRefusedError extends Error {
  override readonly name = 'GitLabRefusedError';
}

/** What was asked for does not exist in GitLab, or may not be seen with this token. */
export class GitLabNotFoundError extends Error {
  override readonly name = 'GitLabNotFoundError';
}
