/** Who wrote a line: the runner itself or the job's script, to its standard output or standard error. */
export type TraceStream = '00O' | '01O' | '01E';

const cyan = '\u001b[36;1m';
const reset = '\u001b[0;m';
const clearLine = '\u001b[0K';

/** Replaces every masked value, longest first so that no part of one is left over. */
export function maskText(text: string, masked: readonly string[]): string {
  return [...masked]
    .sort((a, b) => b.length - a.length)
    .reduce((line, value) => line.replaceAll(value, '[MASKED]'), text);
}

/** A line as it is stored: time, stream, and a plus sign where it continues the line before it. */
export function traceLine(at: Date, stream: TraceStream, continues: boolean, text: string): string {
  const microseconds = at.toISOString().replace('Z', '000Z');
  return `${microseconds} ${stream}${continues ? '+' : ' '}${text}\n`;
}

export function sectionStart(at: Date, name: string): string {
  return `section_start:${unixSeconds(at)}:${name}\r${clearLine}`;
}

export function sectionEnd(at: Date, name: string): string {
  return `section_end:${unixSeconds(at)}:${name}\r${clearLine}`;
}

export function sectionTitle(title: string): string {
  return `${clearLine}${cyan}${title}${reset}${reset}`;
}

export function coloured(colour: 'red' | 'yellow' | 'green', text: string): string {
  const codes = { red: '31;1', yellow: '0;33', green: '32;1' } as const;
  return `\u001b[${codes[colour]}m${text}${reset}`;
}

export function plain(text: string): string {
  return `${clearLine}${text}${reset}`;
}

function unixSeconds(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}
