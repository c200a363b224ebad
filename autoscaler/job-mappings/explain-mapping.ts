import { chooseFit } from './choose-mapping.ts';
import { type InvalidMapping, isUsable, type JobMapping } from './job-mapping.ts';
import {
  type Criterion,
  differenceOf,
  type JobToMap,
  judgeMapping,
  type Misfit,
  putInQuestion,
} from './judge-mapping.ts';

/** Why a row is not the job's mapping. */
export type LossReason =
  | Misfit
  /** It fits, and the chosen one is more specific. */
  | { readonly kind: 'less-specific'; readonly because: Criterion }
  | { readonly kind: 'invalid'; readonly faults: readonly string[] };

export type MappingExplanation = {
  readonly chosen: JobMapping | null;
  /** Every other row, in the order in which they were given. */
  readonly others: readonly { readonly row: JobMapping | InvalidMapping; readonly reason: LossReason }[];
};

/** What was chosen and what was judged contradict each other, which only a fault of ours can bring about. */
export class ExplanationContradictsError extends Error {
  override readonly name = 'ExplanationContradictsError';
}

/**
 * The mapping that `chooseMapping` chooses for a job, and for each other row why it is not that; both come of the same
 * judgements.
 *
 * @throws {ExplanationContradictsError} rather than to explain what is not so.
 */
export function explainMapping(job: JobToMap, rows: readonly (JobMapping | InvalidMapping)[]): MappingExplanation {
  const question = putInQuestion(job);
  const winner = chooseFit(job, rows.filter(isUsable));
  const reasonOf = (row: JobMapping | InvalidMapping): LossReason => {
    if (!isUsable(row)) return { kind: 'invalid', faults: row.faults };
    const judgement = judgeMapping(row, question);
    if (judgement.kind !== 'fits') return judgement;
    const difference = winner && differenceOf(winner, judgement);
    if (difference && difference.order <= 0) return { kind: 'less-specific', because: difference.criterion };
    throw new ExplanationContradictsError(
      `The row "${row.id}" fits the job "${job.jobName}" better than the chosen one`,
    );
  };
  const others = rows.filter((row) => row !== winner?.mapping).map((row) => ({ row, reason: reasonOf(row) }));
  return { chosen: winner?.mapping ?? null, others };
}
