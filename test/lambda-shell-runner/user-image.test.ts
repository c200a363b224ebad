import { describe, expect, it } from 'vitest';
import { joinDockerfiles, keepInContext } from '../../lambda-shell-runner/user-image.ts';

const ours = 'FROM base AS lambda-shell-runner\nCMD ["index.handler"]\n';
const join = (...lines: string[]) => joinDockerfiles(ours, lines.join('\n'), 'my-image');

describe('an image of a profile’s own', () => {
  it('is built behind ours, from whose last stage it starts', () => {
    const dockerfile = join('# my tools', 'FROM lambda-shell-runner', 'RUN dnf install -y make');
    expect(dockerfile.startsWith(ours)).toBe(true);
    expect(dockerfile).toMatch(/# From here on: my-image\/Dockerfile\n# my tools\nFROM lambda-shell-runner\nRUN dnf/);
  });

  it('may have been saved with a byte order mark, which would be a part of its first word behind ours', () => {
    expect(join('\uFEFFFROM lambda-shell-runner', 'RUN true')).toBe(
      `${ours}\n# From here on: my-image/Dockerfile\nFROM lambda-shell-runner\nRUN true\n`,
    );
  });

  it('may have stages of other images before its last one', () => {
    const build = ['FROM --platform=$BUILDPLATFORM golang:1 AS build', 'RUN go build \\', '  CMD', 'CMD ["x"]'];
    expect(() => join(...build, 'from lambda-shell-runner as mine', 'COPY --from=build /a /b')).not.toThrow();
  });

  it.each([
    ['another base', ['FROM debian:13'], /last stage is FROM debian:13; write FROM lambda-shell-runner/],
    ['nothing in it', ['# nothing'], /begins with nothing/],
    ['an argument before its first stage', ['ARG V=1', 'FROM lambda-shell-runner'], /begins with ARG.*must be FROM/],
    ['a command of its own', ['FROM lambda-shell-runner', 'CMD ["sh"]'], /CMD would replace the function/],
    ['an entry point', ['FROM lambda-shell-runner', 'ENTRYPOINT ["sh"]'], /ENTRYPOINT would replace/],
  ])('is refused with %s', (_what, lines, message) => {
    expect(() => join(...lines)).toThrow(message);
  });

  it('cannot leave out our files by its .dockerignore', () => {
    expect(keepInContext('*\n!tools', ['index.mjs'])).toBe('*\n!tools\n!index.mjs\n');
  });
});
