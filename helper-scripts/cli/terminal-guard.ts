import { printable } from './table.ts';

/** Bold on and off, and an empty screen: what this program itself tells a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is let through
const ours = /(\n|\t|\u001B\[(?:1m|22m|2J|H))/u;

/** A text for a terminal, in which nothing but line breaks and this program's own words steers it. */
export function tameForTerminal(text: string): string {
  return text
    .split(ours)
    .map((part) => (ours.test(part) ? part : printable(part)))
    .join('');
}

type Output = { write: NodeJS.WriteStream['write'] };

/**
 * Lets nothing pass to a stream that steers a terminal, whoever wrote it and wherever it was forgotten to ask: names of
 * jobs, projects and rows come from strangers, and so does what errors quote of them. In JSON each such character is
 * spelled as JSON itself would.
 */
export function guardTerminal(stream: Output): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...others: unknown[]) => boolean;
  stream.write = ((chunk: unknown, ...others: unknown[]) =>
    write(typeof chunk === 'string' ? tameForTerminal(chunk) : chunk, ...others)) as Output['write'];
}
