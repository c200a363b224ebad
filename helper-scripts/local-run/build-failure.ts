/** What a container engine writes in front of a line of a build: a step's number, seconds. */
const prefix = /^(?:#\d+ )?(?:\d+\.\d+ )?/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is colours that are looked for
const colours = /\u001b\[[\d;]*m/g;

/**
 * From the most to the least telling: our scripts' own words, those of the programs that they call, anything that
 * sounds like an error.
 */
const telling = [
  /^(?:gitlab-runner|AWS CLI) \S+ for \S+: /,
  /^(?:curl: \(|gpg: |Error: Failed to download|Error: Unable to find)/,
  /error|denied|refused|no such|not found|timed? ?out|cannot|unable|failed/i,
];

/** One of the lines of a failed build that says why, on one line of bounded length. */
export function causeOf(lines: readonly string[], longest = 240): string {
  const plain = lines.map((line) => line.replace(colours, '').replace(prefix, '').trim()).filter(Boolean);
  const matches = telling.map((pattern) => plain.findLast((line) => pattern.test(line)));
  const cause = matches.find((line) => line !== undefined) ?? plain.at(-1) ?? 'nothing was said';
  return cause.length > longest ? `${cause.slice(0, longest)} ...` : cause;
}
