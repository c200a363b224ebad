import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import { renderTable } from '../cli/table.ts';

/** A table that is drawn over itself on a terminal; elsewhere each row is printed when it changes. */
export class LiveTable {
  readonly #head: readonly string[];
  readonly #output: NodeJS.WriteStream;
  #drawnLines = 0;
  #printed = new Map<string, string>();

  constructor(head: readonly string[], output: NodeJS.WriteStream = process.stdout) {
    this.#head = head;
    this.#output = output;
  }

  /** Shows the rows as they are now; what does not fit on the screen is only counted. */
  show(rows: readonly (readonly string[])[]): void {
    const more = this.#output.isTTY ? rows.length - (this.#output.rows - 3) : 0;
    this.finish(more > 0 ? [...rows.slice(more + 1), [`... and ${more + 1} more`]] : rows);
  }

  /** Shows all rows for good. */
  finish(rows: readonly (readonly string[])[]): void {
    if (this.#output.isTTY) this.#redraw(rows);
    else this.#printChanges(rows);
  }

  #redraw(rows: readonly (readonly string[])[]): void {
    const text = `${renderTable(this.#head, rows)}\n`;
    if (this.#drawnLines > 0) {
      moveCursor(this.#output, 0, -this.#drawnLines);
      cursorTo(this.#output, 0);
      clearScreenDown(this.#output);
    }
    this.#output.write(text);
    this.#drawnLines = text.split('\n').length - 1;
  }

  #printChanges(rows: readonly (readonly string[])[]): void {
    for (const row of rows) {
      const line = row.filter(Boolean).join('  ');
      const name = row[0] ?? '';
      if (this.#printed.get(name) !== line) this.#output.write(`${line}\n`);
      this.#printed.set(name, line);
    }
  }
}
