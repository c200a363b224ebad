/**
 * The path (`group/project`) of a job's project, from the job's page: `<GitLab>/group/project/-/jobs/<id>`. GitLab's
 * answer about a job names its project nowhere else. Null when the address is none of a job's page.
 *
 * @param gitlabUrl base URL of GitLab, which may have a path of its own.
 * @see https://docs.gitlab.com/api/jobs/#retrieve-a-job-by-job-id
 */
export function projectPathOfJobPage(webUrl: unknown, gitlabUrl: string): string | null {
  if (typeof webUrl !== 'string' || !URL.canParse(webUrl)) return null;
  const root = new URL(gitlabUrl).pathname.replace(/\/$/, '');
  const { pathname } = new URL(webUrl);
  if (!pathname.startsWith(`${root}/`)) return null;
  return /^\/([\w.-]+(?:\/[\w.-]+)+)\/-\/jobs\/\d+$/.exec(pathname.slice(root.length))?.[1] ?? null;
}
