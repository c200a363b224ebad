/**
 * A job's name without the suffix that GitLab adds to parallel and matrix jobs: `rspec 3/28` -> `rspec`, `test: [a, b]`
 * -> `test`, `build 2/5` -> `build`. The values in brackets may hold anything, so they are cut off, not split.
 * Source: https://docs.gitlab.com/ci/yaml/#parallel
 */
export function baseJobName(name: string): string {
  const withoutMatrix = name.endsWith(']') ? name.replace(/: \[.*\]$/su, '') : name;
  return withoutMatrix.replace(/ \d+\/\d+$/u, '');
}
