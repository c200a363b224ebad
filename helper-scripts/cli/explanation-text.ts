import type { LossReason } from '../../autoscaler/job-mappings/explain-mapping.ts';
import type { JobMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import { runnerOf } from './mapping-view.ts';

const lessSpecific = {
  name: 'the chosen row names the job more exactly',
  project: 'the chosen row names the project more exactly',
  conditions: 'the chosen row asks for more of ref, stage and protection',
  tags: 'the chosen row asks for more of the tags',
  id: 'as specific as the chosen row, whose keys sort first',
} as const;

/** Why a row lost, in words. */
export function describeReason(reason: LossReason): string {
  switch (reason.kind) {
    case 'other-name':
      return 'name does not match';
    case 'other-project':
      return 'project does not match';
    case 'other-ref':
      return 'ref does not match, or is not given (--ref)';
    case 'other-stage':
      return 'stage does not match, or is not given (--stage)';
    case 'not-protected':
      return "the job's ref is not protected (--protected says that it is)";
    case 'missing-tags':
      return `the job lacks the tags [${reason.tags.join(', ')}]`;
    case 'less-specific':
      return `less specific because of ${reason.because}: ${lessSpecific[reason.because]}`;
    case 'invalid':
      return `not valid: ${reason.faults.join('; ')}`;
  }
}

/** Type and runner of a row: `EC2 default`. */
export function targetText({ target }: Pick<JobMapping, 'target'>): string {
  const fallback = target.type !== 'IGNORE' && target.fallbackProfile ? `, then ${target.fallbackProfile}` : '';
  return `${`${target.type} ${runnerOf(target)}`.trim()}${fallback}`;
}
