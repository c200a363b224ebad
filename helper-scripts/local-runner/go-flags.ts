/** A flag of the released binary by all of its names, the last being the one that we know it by. */
export interface GoFlag {
  readonly names: readonly string[];
  /** `switch`: without a value. */
  readonly value: 'text' | 'integer' | 'switch';
}

/** What Go's flag package says of a command line that it refuses. */
export class GoFlagError extends Error {
  override readonly name = 'GoFlagError';
}

/** Flags by our name for them, and the words behind them. */
export interface ParsedFlags {
  readonly values: Readonly<Record<string, string>>;
  readonly rest: readonly string[];
}

/**
 * Reads flags as Go's flag package does: one dash or two, a value behind `=` or as the next word, whatever it begins
 * with; the last of equal flags counts; the first word that is no flag ends them.
 * Source: https://pkg.go.dev/flag#hdr-Command_line_flag_syntax
 * @throws GoFlagError
 */
export function parseGoFlags(flags: readonly GoFlag[], args: readonly string[]): ParsedFlags {
  const left = [...args];
  const given = new Map<string, string>();
  for (let word = left[0]; word !== undefined && word.length > 1 && word.startsWith('-'); word = left[0]) {
    left.shift();
    if (word === '--') break;
    const [name, attached] = splitFlag(word);
    const flag = flags.find(({ names }) => names.includes(name));
    if (flag === undefined) throw new GoFlagError(`flag provided but not defined: -${name}`);
    given.set(name, readValue(flag, name, attached, left));
  }
  const values = flags.flatMap(({ names }): [string, string][] => {
    const [first, second] = names.filter((name) => given.has(name));
    if (second !== undefined) throw new GoFlagError(`Cannot use two forms of the same flag: ${second} ${first}`);
    return first === undefined ? [] : [[names.at(-1) ?? first, given.get(first) ?? '']];
  });
  return { values: Object.fromEntries(values), rest: left };
}

/**
 * Puts the flags of a command before its other words, as urfave/cli 1.22 does before Go reads them: a flag behind a
 * word counts, and a flag that nobody knows behind a word is not seen.
 */
export function reorderFlags(flags: readonly GoFlag[], args: readonly string[]): readonly string[] {
  const isKnown = (word: string): boolean => {
    const [name] = /^--?[^-=]/.test(word) ? splitFlag(word) : [''];
    return flags.some(({ names }) => names.includes(name));
  };
  const [front, back]: [string[], string[]] = [[], []];
  let mayBeValue = false;
  for (const [index, word] of args.entries()) {
    const known = isKnown(word);
    if (mayBeValue && !known) {
      mayBeValue = false;
      front.push(word);
    } else if (word === '--') {
      return [...front, '--', ...back, ...args.slice(index + 1)];
    } else if (known) {
      mayBeValue = !word.includes('=');
      front.push(word);
    } else back.push(word);
  }
  return [...front, ...back];
}

function splitFlag(word: string): readonly [name: string, value?: string] {
  const name = word.replace(/^--?/, '');
  if (name === '' || /^[-=]/.test(name)) throw new GoFlagError(`bad flag syntax: ${word}`);
  const at = name.indexOf('=');
  return at < 0 ? [name] : [name.slice(0, at), name.slice(at + 1)];
}

function readValue(flag: GoFlag, name: string, attached: string | undefined, left: string[]): string {
  if (flag.value === 'switch') {
    if (attached === undefined) return 'true';
    throw new GoFlagError(`invalid boolean value ${JSON.stringify(attached)} for -${name}: parse error`);
  }
  const value = attached ?? left.shift();
  if (value === undefined) throw new GoFlagError(`flag needs an argument: -${name}`);
  if (flag.value === 'integer' && !/^[+-]?\d+$/.test(value)) {
    const text = JSON.stringify(value);
    throw new GoFlagError(`invalid value ${text} for flag -${name}: strconv.ParseInt: parsing ${text}: invalid syntax`);
  }
  return value;
}
