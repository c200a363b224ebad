import { type AttributeValue, ScanCommand, type ScanCommandOutput } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { plainItemOf } from './attribute-values.ts';
import { type InvalidMapping, isUsable, type JobMapping, readMapping } from './job-mapping.ts';

/** An edit of the table counts within this time. */
const cacheSeconds = 10;

export type JobMappings = {
  /**
   * Every usable row, at most ten seconds old, and the rows that cannot be used. The same lists until the table is read
   * again.
   */
  read(): Promise<{ readonly mappings: readonly JobMapping[]; readonly invalid: readonly InvalidMapping[] }>;
};

type Row = JobMapping | InvalidMapping;

/**
 * The job mappings table, read whole and kept for ten seconds per process. It is not queried by name: globs can be
 * found by no key, so the table has to be read anyway, and one reading serves all jobs of ten seconds.
 */
export function createJobMappings(dynamodb: DynamoDBDocumentClient, tableName: string, now: () => number): JobMappings {
  let cached: { readonly at: number; readonly answer: Awaited<ReturnType<JobMappings['read']>> } | undefined;
  let known: ReadonlyMap<string, Row> = new Map();
  return {
    async read() {
      // Counted from before the reading: an edit that the reading just missed is no older than that.
      const at = now();
      if (cached && at - cached.at < cacheSeconds * 1_000) return cached.answer;
      const rows = new Map<string, Row>();
      for (const item of await readItems(dynamodb, tableName)) {
        // Checking a row takes ten times as long as seeing that it is the same as last time.
        const text = JSON.stringify(item);
        // Each by itself: the document client would throw the whole page away when one number of one row is too long
        // for it.
        rows.set(text, known.get(text) ?? readMapping(plainItemOf(item)));
      }
      known = rows;
      const all = [...rows.values()];
      const answer = {
        mappings: all.filter(isUsable),
        invalid: all.filter((row) => !isUsable(row)) as InvalidMapping[],
      };
      cached = { at, answer };
      return answer;
    },
  };
}

/** Whole rows, since one that says more than is known is not used; without notes, of which a row may hold 400 KB. */
async function readItems(dynamodb: DynamoDBDocumentClient, tableName: string) {
  const pages: Record<string, AttributeValue>[][] = [];
  let ExclusiveStartKey: ScanCommandOutput['LastEvaluatedKey'];
  do {
    const page: ScanCommandOutput = await dynamodb.send(
      new ScanCommand({
        TableName: tableName,
        ExclusiveStartKey,
      }),
    );
    pages.push((page.Items ?? []).map(({ note: _, ...row }) => row));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return pages.flat();
}
