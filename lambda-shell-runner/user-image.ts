/** Name of our image's last stage, from which a profile's own image starts. */
export const baseStage = 'lambda-shell-runner';

/** A profile's folder has no image that could run jobs; the message says which, and how to mend it. */
export class UserImageError extends Error {
  override readonly name = 'UserImageError';
}

/**
 * One Dockerfile of ours and a user's: `FROM lambda-shell-runner` names a stage of the same file, so that a single
 * build, which is all that the CDK does, makes both.
 *
 * @throws {UserImageError} when the user's image does not start from ours, or would not run our function.
 */
export function joinDockerfiles(ours: string, saved: string, folder: string): string {
  // In the middle of a file a byte order mark would be a part of the first instruction.
  const theirs = saved.replace(/^\uFEFF/, '');
  const instructions = instructionsOf(theirs);
  const [first] = instructions;
  const last = instructions.findLastIndex(({ name }) => name === 'FROM');
  if (first?.name !== 'FROM') {
    throw new UserImageError(
      `${folder}/Dockerfile begins with ${first?.name ?? 'nothing'}; its first instruction must be FROM, since it is built behind ours`,
    );
  }
  const base = instructions[last]?.rest.split(/\s+/).find((word) => !word.startsWith('--'));
  if (base !== baseStage) {
    throw new UserImageError(
      `${folder}/Dockerfile: its last stage is FROM ${base ?? '(nothing)'}; write FROM ${baseStage}, which is our image`,
    );
  }
  const forbidden = instructions.slice(last).find(({ name }) => ['CMD', 'ENTRYPOINT'].includes(name));
  if (forbidden) {
    throw new UserImageError(
      `${folder}/Dockerfile: ${forbidden.name} would replace the function that runs the jobs; remove it`,
    );
  }
  return `${ours.trimEnd()}\n\n# From here on: ${folder}/Dockerfile\n${theirs.trimEnd()}\n`;
}

type Instruction = { readonly name: string; readonly rest: string };

function instructionsOf(dockerfile: string): readonly Instruction[] {
  const whole = dockerfile.replaceAll(/^[ \t]*#.*\r?\n?/gm, '').replaceAll(/\\[ \t]*\r?\n/g, ' ');
  return whole
    .split(/\r?\n/)
    .map((line) => /^\s*([A-Za-z]+)(?:\s+(.*))?$/.exec(line))
    .flatMap((match) => (match ? [{ name: (match[1] ?? '').toUpperCase(), rest: (match[2] ?? '').trim() }] : []));
}

/** Our files must reach the build whatever a user's `.dockerignore` leaves out. */
export function keepInContext(dockerignore: string, files: readonly string[]): string {
  return `${dockerignore.trimEnd()}\n${files.map((file) => `!${file}`).join('\n')}\n`;
}
