import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A line of boot.sh in whose place another file of its folder stands. */
const partMark = /^# ---- ([a-z-]+\.sh) ----$/gm;

/** boot.sh with its parts in their places: what `renderBootScript` takes. */
export function readBootSource(): string {
  const read = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');
  return read('boot.sh').replace(partMark, (_, name: string) => read(name));
}
