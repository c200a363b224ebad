import Table from 'cli-table3';

/** A table for people, as text: a head (none when empty) and rows, without lines around them; the head is bold on a terminal. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly unknown[])[],
  bold = process.stdout.isTTY && !process.env.NO_COLOR,
): string {
  const table = new Table({
    head: [...head],
    style: { head: bold ? ['bold'] : [], 'padding-left': 0, 'padding-right': 2 },
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '',
    },
  });
  table.push(...rows.map((row) => row.map((cell) => String(cell ?? ''))));
  return table.toString().replace(/ +$/gmu, '');
}

/** Prints {@link renderTable}. */
export function printTable(head: readonly string[], rows: readonly (readonly unknown[])[]): void {
  console.log(renderTable(head, rows));
}

/** Text from elsewhere, with its control characters spelled out: a job's name may hold line breaks, or what steers a terminal. */
export function printable(text: string): string {
  const spelled: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  const code = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => spelled[character] ?? code(character));
}
