/** The examples at the end of a command's `--help`. */
export function examples(...commands: readonly string[]): string {
  const lines = commands.map((command) => `  $ npm run -s cli -- ${command}`);
  return `\n${lines.length > 1 ? 'Examples' : 'Example'}:\n${lines.join('\n')}`;
}
