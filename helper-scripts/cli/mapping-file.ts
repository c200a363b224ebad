import { parse } from 'yaml';
import { isUsable, readMapping } from '../../autoscaler/job-mappings/job-mapping.ts';

export type MappingItem = Readonly<Record<string, unknown>> & { readonly pk: string; readonly sk: string };

/** A file of mappings has faults; the message lists every one with its row. */
export class MappingFileError extends Error {
  override readonly name = 'MappingFileError';
}

/**
 * Reads a file of job mappings: a list of items in YAML or JSON, written as they stand in the table (`pk`, `sk`, `type`, ...).
 *
 * @throws {MappingFileError} naming every fault at once.
 */
export function parseMappingFile(text: string, fileName: string): MappingItem[] {
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw new MappingFileError(`${fileName} is neither YAML nor JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!Array.isArray(content)) throw new MappingFileError(`${fileName} must hold a list of mappings`);
  const faults = content.flatMap((item, index) => {
    if (typeof item !== 'object' || item === null) return [`row ${index + 1}: must be an object with pk, sk and type`];
    const mapping = readMapping(item as Record<string, unknown>);
    return isUsable(mapping) ? [] : mapping.faults.map((fault) => `row ${index + 1} (${mapping.id}): ${fault}`);
  });
  if (faults.length > 0)
    throw new MappingFileError(`${fileName} has faults:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  return content as MappingItem[];
}
