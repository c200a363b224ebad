import { Document, LineCounter, parse, parseDocument, visit, YAMLSeq } from 'yaml';
import type { DeployedProfiles } from '../../autoscaler/exports.ts';
import {
  type AttributeValue,
  NotStorableError,
  plainItemOf,
  storedItemOf,
} from '../../autoscaler/job-mappings/attribute-values.ts';
import { isUsable, readMapping, rowIdOf } from '../../autoscaler/job-mappings/job-mapping.ts';
import { blankFaults } from '../../autoscaler/job-mappings/tags-key.ts';
import { identityOf, inOrder, type MappingItem, withAttributesInOrder } from './mapping-item.ts';
import { printable } from './table.ts';
import { undeployedFaults } from './undeployed.ts';

/** A file of mappings has faults; the message lists every one with its row. */
export class MappingFileError extends Error {
  override readonly name = 'MappingFileError';
}

/** What is wrong with a row of a file. Rows and lines count from 1; `id` is its keys, as far as it has any. */
export type RowFault = {
  readonly row: number;
  readonly line: number | null;
  readonly id: string | null;
  readonly fault: string;
};

export type MappingFile = {
  /** Every row as it stands in the file, good or not. */
  readonly rows: readonly unknown[];
  readonly faults: readonly RowFault[];
};

/** Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const longestItemBytes = 400 * 1_024;

/**
 * Reads a file of job mappings: a list of items in YAML or JSON, written as they stand in the table (`pk`, `sk`,
 * `type`, ...), and names every fault of every row; what it names that is not deployed too, where it is known what is.
 *
 * @throws {MappingFileError} when the file is no list, or neither YAML nor JSON.
 */
export function readMappingFile(text: string, fileName: string, deployed: DeployedProfiles | null = null): MappingFile {
  const rows = readList(text, fileName);
  const firstWithKeys = new Map<string, number>();
  const found = rows.flatMap((item, index): Omit<RowFault, 'line'>[] => {
    const row = index + 1;
    const faults = [...faultsOf(item), ...(deployed ? undeployedFaults(item, deployed) : [])];
    if (!isObject(item)) return faults.map((fault) => ({ row, id: null, fault }));
    const earlier = firstWithKeys.get(identityOf(item)) ?? row;
    firstWithKeys.set(identityOf(item), earlier);
    if (earlier !== row) faults.push(`has the same pk and sk as row ${earlier}`);
    return faults.map((fault) => ({ row, id: rowIdOf(item), fault }));
  });
  if (found.length === 0) return { rows, faults: [] };
  const lines = linesOf(text);
  return { rows, faults: found.map((fault) => ({ ...fault, line: lines[fault.row - 1] ?? null })) };
}

/**
 * Reads a file of job mappings as {@link readMappingFile} does, and takes nothing that has faults.
 *
 * @throws {MappingFileError} naming every fault at once.
 */
export function parseMappingFile(
  text: string,
  fileName: string,
  deployed: DeployedProfiles | null = null,
): MappingItem[] {
  const { rows, faults } = readMappingFile(text, fileName, deployed);
  if (faults.length > 0) throw new MappingFileError(describeFaults(fileName, faults));
  // Through the form of the table, so that what means the same looks the same: a set in another order, say.
  return rows.map((row) => plainItemOf(storedItemOf(row as MappingItem)) as MappingItem);
}

/** Every fault in words, one on each line: `line 7, row 3 (job#deploy tags#): arn: ...`. */
export function describeFaults(fileName: string, faults: readonly RowFault[]): string {
  const lines = faults.map(({ row, line, id, fault }) => {
    const place = `${line === null ? '' : `line ${line}, `}row ${row}${id === null ? '' : ` (${id})`}`;
    return printable(`  - ${place}: ${fault}`);
  });
  return `${fileName} has faults:\n${lines.join('\n')}`;
}

/** The rows of a table that a file of them is refused for, by what is wrong with each: not valid, or written oddly. */
export function rowsRefusedByImport(
  items: readonly MappingItem[],
): { readonly id: string; readonly faults: string[] }[] {
  return items.map((item) => ({ id: rowIdOf(item), faults: faultsOf(item) })).filter(({ faults }) => faults.length > 0);
}

/** Rows as a file that {@link parseMappingFile} reads back as they are, whatever attributes they have. */
export function renderMappingFile(items: readonly MappingItem[], format: 'yaml' | 'json'): string {
  const rows = [...items].sort(inOrder).map(withAttributesInOrder);
  if (format === 'json') return `${JSON.stringify(rows, null, 2)}\n`;
  // No block text: the YAML library does not read every one back as it was (white space alone, say).
  const document = new Document(rows, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(key, node) {
      // Without quotes it would be a merge key to whoever reads the file.
      if (key === 'key' && node.value === '<<') node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0, blockQuote: false });
}

function readList(text: string, fileName: string): unknown[] {
  const content = readContent(text.replace(/^\uFEFF/u, ''), fileName);
  if (Array.isArray(content)) return content;
  throw new MappingFileError(`${fileName} must hold a list of mappings, each with pk, sk and type`);
}

/** JSON first: it is read a hundred times as fast, and nearly all of it is YAML as well. */
function readContent(text: string, fileName: string): unknown {
  try {
    if (text.trimStart().startsWith('[')) return JSON.parse(text);
  } catch {
    // Then it is YAML in brackets, or neither, of which the YAML parser says more.
  }
  try {
    return parse(text, { merge: true });
  } catch (error) {
    throw new MappingFileError(`${fileName} is neither YAML nor JSON: ${(error as Error).message}`, { cause: error });
  }
}

function faultsOf(item: unknown): string[] {
  const mapping = readMapping(item);
  if (!isUsable(mapping)) return [...mapping.faults];
  const blanks = blankFaults((item as MappingItem).sk);
  if (blanks.length > 0) return blanks.map((fault) => `sk: ${fault}`);
  try {
    const bytes = bytesOf({ M: storedItemOf(item as MappingItem) });
    return bytes > longestItemBytes ? [`has about ${bytes} bytes, and DynamoDB takes ${longestItemBytes}`] : [];
  } catch (error) {
    if (error instanceof NotStorableError) return [error.message];
    throw error;
  }
}

/** About as much as DynamoDB counts for a value, rather a little more. */
function bytesOf(value: AttributeValue): number {
  if ('S' in value) return Buffer.byteLength(value.S);
  if ('N' in value) return value.N.length;
  if ('B' in value) return value.B.length;
  if ('SS' in value) return sum(value.SS.map((text) => Buffer.byteLength(text)));
  if ('NS' in value) return sum(value.NS.map((text) => text.length));
  if ('BS' in value) return sum(value.BS.map((bytes) => bytes.length));
  if ('L' in value) return 3 + sum(value.L.map((part) => 1 + bytesOf(part)));
  if ('M' in value) {
    return 3 + sum(Object.entries(value.M).map(([name, part]) => 1 + Buffer.byteLength(name) + bytesOf(part)));
  }
  return 1;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** The line on which each row begins. Only asked for when there are faults, since it means to read the file again. */
function linesOf(text: string): (number | null)[] {
  const lineCounter = new LineCounter();
  const { contents } = parseDocument(text, { lineCounter });
  if (!(contents instanceof YAMLSeq)) return [];
  return contents.items.map((item) => {
    const offset = (item as { readonly range?: readonly number[] | null } | null)?.range?.[0];
    return offset === undefined ? null : lineCounter.linePos(offset).line;
  });
}

function isObject(item: unknown): item is Readonly<Record<string, unknown>> {
  return typeof item === 'object' && item !== null && !Array.isArray(item);
}
