import { type DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { type InvalidMapping, isUsable, type JobMapping, readMapping } from './job-mapping.ts';

/** An edit of the table counts within this time. */
const cacheSeconds = 10;

export type JobMappings = {
  /** Every usable row, at most ten seconds old, and the rows that cannot be used. */
  read(): Promise<{ readonly mappings: readonly JobMapping[]; readonly invalid: readonly InvalidMapping[] }>;
};

/** The job mappings table, read whole and kept for ten seconds per process. */
export function createJobMappings(dynamodb: DynamoDBDocumentClient, tableName: string, now: () => number): JobMappings {
  let cached: { readonly at: number; readonly answer: Awaited<ReturnType<JobMappings['read']>> } | undefined;
  return {
    async read() {
      if (cached && now() - cached.at < cacheSeconds * 1_000) return cached.answer;
      const rows: (JobMapping | InvalidMapping)[] = [];
      for await (const page of paginateScan({ client: dynamodb }, { TableName: tableName })) {
        rows.push(...(page.Items ?? []).map(readMapping));
      }
      const answer = {
        mappings: rows.filter(isUsable),
        invalid: rows.filter((row): row is InvalidMapping => !isUsable(row)),
      };
      cached = { at: now(), answer };
      return answer;
    },
  };
}
