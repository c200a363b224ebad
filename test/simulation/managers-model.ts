import { LongLivedRunnerError, type LongLivedRunners } from '../../autoscaler/demand/long-lived-runner.ts';
import type { ManagedHosts } from '../../autoscaler/end-runner/drain-host.ts';
import type { Ec2Model } from './ec2-model.ts';
import type { GitLabModel } from './gitlab-model.ts';
import type { SimulatedRunner } from './simulated-job.ts';

/** What our Lambdas can ask about the long-lived runner of a profile, and about its hosts. */
export function createManagersModel({
  profile: ownProfile,
  runner,
  gitlab,
  ec2,
}: {
  readonly profile: string;
  readonly runner: SimulatedRunner;
  readonly gitlab: GitLabModel;
  readonly ec2: Ec2Model;
}): LongLivedRunners & ManagedHosts {
  const { id: runnerId, token, tags, runUntagged, projectIds } = runner;
  return {
    async find(profile) {
      if (profile !== ownProfile) return null;
      return gitlab.answer(() => {
        if (!gitlab.runners.has(runnerId)) throw new LongLivedRunnerError('GitLab does not know the runner');
        return { runnerId, token, tags, runUntagged, projectIds };
      });
    },
    runningJobsOf: (manager) =>
      gitlab.answer(() => {
        const running = [...gitlab.jobs.values()].filter(
          ({ status, ...job }) =>
            ['running', 'canceling'].includes(status) &&
            job.runnerId === manager.runnerId &&
            job.systemId === manager.systemId,
        );
        return running.map(({ plan, id }) => ({ projectId: plan.projectId, jobId: id }));
      }),
    remove: ({ profile, systemId }) =>
      gitlab.answer(() => profile === ownProfile && gitlab.removeManager(token, systemId)),
    isGone: async (instanceId) => ec2.isGone(instanceId),
  };
}
