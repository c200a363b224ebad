import Table from 'cli-table3';

/** The library's time grows with the square of the rows: 10,000 at once take a quarter of a minute. */
const rowsAtOnce = 50;
const columnGap = 2;

/**
 * A table for people, as text: a head (none when empty) and rows, without lines around them; the head is bold on a
 * terminal.
 */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly unknown[])[],
  bold = process.stdout.isTTY && !process.env.NO_COLOR,
): string {
  const cells = rows.map((row) => row.map((cell) => String(cell ?? '')));
  if (cells.length <= rowsAtOnce) return renderPart(head, cells, bold);
  const widths = Array.from({ length: Math.max(head.length, cells[0]?.length ?? 0) }, (_, column) =>
    [head, ...cells].reduce((widest, row) => Math.max(widest, widthOf(row[column] ?? '')), 0),
  );
  const parts = Array.from({ length: Math.ceil(cells.length / rowsAtOnce) }, (_, part) =>
    renderPart(part === 0 ? head : [], cells.slice(part * rowsAtOnce, (part + 1) * rowsAtOnce), bold, widths),
  );
  return parts.join('\n');
}

/** Prints {@link renderTable}. */
export function printTable(head: readonly string[], rows: readonly (readonly unknown[])[]): void {
  console.log(renderTable(head, rows));
}

/**
 * Text from elsewhere, with all spelled out that is not seen as it is: a job's name may hold line breaks, what steers a
 * terminal, or marks that make it read from right to left or hide a part of it.
 */
export function printable(text: string): string {
  const spelled: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  const unit = (code: number) => `\\u${code.toString(16).padStart(4, '0')}`;
  const units = (character: string) => Array.from(character.split(''), (half) => unit(half.charCodeAt(0))).join('');
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => spelled[character] ?? units(character));
}

function renderPart(head: readonly string[], rows: string[][], bold: boolean, widths?: readonly number[]): string {
  const table = new Table({
    // By ourselves: the library would ask the environment again whether it may.
    head: head.map((text) => (bold ? `\u001B[1m${text}\u001B[22m` : text)),
    ...(widths ? { colWidths: widths.map((width) => width + columnGap) } : {}),
    style: { head: [], 'padding-left': 0, 'padding-right': columnGap },
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
  table.push(...rows);
  return table.toString().replace(/ +$/gmu, '');
}

/** At least as wide as a terminal shows it, since the library shortens what is wider than its column. */
function widthOf(text: string): number {
  return [...text].reduce((width, character) => width + (character > '\u10FF' ? 2 : 1), 0);
}
