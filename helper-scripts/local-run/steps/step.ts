import type { LocalRunParts } from '../local-run-parts.process.ts';

/** Who shows progress. */
export type Progress = (line: string) => void;

/** A step of the start, told to whoever shows progress. Each may be long; each tells what it does. */
export type LocalRunStep = {
  readonly title: string;
  /** @returns what came of it, in words. */
  readonly run: (parts: LocalRunParts, tell: Progress) => Promise<string | undefined>;
};
