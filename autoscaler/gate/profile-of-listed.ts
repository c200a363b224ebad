import type { ListedJob } from '../../infrastructure/gitlab/gitlab-listings.ts';
import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { decideRunner, MappingNotAllowedError, type Offer } from '../demand/choose-runner.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';

/** Of jobs whose mapping names what was not deployed: nobody starts them, and no runner is theirs. */
const undeployed = '(not deployed)';

/** Whose runner each of a project's pending jobs is to have, by the mappings; null for one that is left to others. */
export function profilesByMapping(projectId: number, items: readonly RunnerItem[], offer: Offer) {
  const projectPath = items[0]?.event.projectPath ?? null;
  return ({ id, name, stage, ref, pipelineId, createdAt, tags }: ListedJob, isProtected: boolean): string | null => {
    const event: JobEvent = {
      ...{
        jobId: id,
        projectId,
        jobName: name,
        stage,
        status: 'pending',
        projectPath,
        pipelineId,
        ref,
        runnerId: null,
      },
      ...{ occurredAt: createdAt, receivedAt: createdAt, failureReason: null, deliveryId: null },
    };
    try {
      const decision = decideRunner(event, { tags, isProtected }, offer);
      return decision.decision === 'LAUNCH' ? decision.choice.profile : null;
    } catch (error) {
      if (error instanceof MappingNotAllowedError) return undeployed;
      throw error;
    }
  };
}
