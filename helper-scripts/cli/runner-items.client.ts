import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { autoscalerParameters } from '../../autoscaler/exports.ts';
import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import { createRunnersStore } from '../../autoscaler/runner-store/runners-store.client.ts';
import { RunnerStateChangedError } from '../../autoscaler/runner-store/runners-store.ts';
import { placesUnder } from '../../autoscaler/runner-store/wide-caps.ts';
import { parseJobKey } from '../../infrastructure/kit/job-key.ts';
import { readParameter } from './deployment-names.client.ts';
import { type DeploymentOptions, deploymentNameOf } from './deployments.client.ts';
import type { JobArgument } from './job-argument.ts';
import { type HoldOf, holdsIn, isWaitingForTurn } from './turn-text.ts';

/**
 * Ended runners stay for two weeks: that many parts of the table are read at the same time when one job is asked for.
 */
const segments = 4;

export type RunnerItems = {
  /** Runners that live, and those of jobs that are not over, oldest first. */
  readLive(): Promise<readonly RunnerItem[]>;
  /** Every runner that was made for the job or took it, ended ones too, oldest first. Reads the whole table. */
  readOfJob(job: JobArgument): Promise<readonly RunnerItem[]>;
  /** How many places are taken under the caps of those that wait for one. */
  placesFor(items: readonly RunnerItem[]): Promise<ReadonlyMap<string, number>>;
  /** What the runners among them are held for that wait for their turn. */
  holdsFor(items: readonly RunnerItem[]): Promise<HoldOf>;
  /**
   * Lets none of a failed job's attempts count any more. False when it is not as it was read any more, and nothing was
   * changed.
   */
  giveAttemptsBack(item: RunnerItem): Promise<boolean>;
};

/** The runners table of the deployment that the options of the command line name. */
export async function openRunnerItems(options: DeploymentOptions): Promise<RunnerItems> {
  const deployment = await deploymentNameOf(options);
  const TableName = await readParameter(autoscalerParameters(deployment).runnersTable);
  const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  const store = createRunnersStore(dynamodb, { runners: TableName, tickets: '', waitingTickets: '' });
  return {
    readLive: () => store.readLive(),

    async placesFor(items) {
      const waiting = items.filter(({ state, waitsFor }) => state === 'WAITING' && !waitsFor);
      return placesUnder(store, waiting);
    },

    async holdsFor(items) {
      const projects = new Set(items.filter(isWaitingForTurn).map(({ event }) => event.projectId));
      const gates = await Promise.all([...projects].map((projectId) => store.readGate(projectId)));
      return holdsIn(gates.filter((gate) => gate !== null));
    },

    async giveAttemptsBack({ pk, attempt }) {
      const only = { jobState: 'PENDING' } as const;
      const set = { excusedAttempts: attempt };
      try {
        await store.write({ kind: 'update', job: pk, from: ['FAILED'], attempt, only, set });
        return true;
      } catch (error) {
        if (error instanceof RunnerStateChangedError) return false;
        throw error;
      }
    },

    async readOfJob({ jobId, project }) {
      const readSegment = async (Segment: number) => {
        const found: RunnerItem[] = [];
        const scan = {
          TableName,
          Segment,
          TotalSegments: segments,
          FilterExpression: '#event.#jobId = :id OR contains(#taken, :end)',
          ExpressionAttributeNames: { '#event': 'event', '#jobId': 'jobId', '#taken': 'takenJob' },
          ExpressionAttributeValues: { ':id': jobId, ':end': `#${jobId}` },
        };
        for await (const page of paginateScan({ client: dynamodb }, scan))
          found.push(...((page.Items ?? []) as RunnerItem[]));
        return found;
      };
      const found = await Promise.all(Array.from({ length: segments }, (_, segment) => readSegment(segment)));
      return found
        .flat()
        .filter((item) => concerns(item, { jobId, project }))
        .sort((a, b) => Date.parse(a.admittedAt) - Date.parse(b.admittedAt));
    },
  };
}

/** The filter of the table finds a few more: `contains` also finds ids that begin with this one. */
function concerns({ event, takenJob }: RunnerItem, { jobId, project }: JobArgument): boolean {
  const itself =
    event.jobId === jobId && (project === null || [event.projectPath, `${event.projectId}`].includes(project));
  const taken = takenJob === undefined ? null : parseJobKey(takenJob);
  // Whose path the taken job's project has is not written down; an id decides.
  const took =
    taken?.jobId === jobId && (project === null || !/^\d+$/u.test(project) || `${taken.projectId}` === project);
  return itself || took;
}
