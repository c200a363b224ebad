import Table from 'cli-table3';

/** A table for people, as text: a head and rows, without lines around them. */
export function renderTable(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const table = new Table({
    head: [...head],
    style: { head: ['bold'], 'padding-left': 0, 'padding-right': 2 },
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
  return table.toString();
}

/** Prints {@link renderTable}. */
export function printTable(head: readonly string[], rows: readonly (readonly unknown[])[]): void {
  console.log(renderTable(head, rows));
}
