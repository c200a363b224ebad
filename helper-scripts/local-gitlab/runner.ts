/** A runner's record. `glrt-` tokens belong to it; the hosts that use the token are its managers. */
export interface Runner {
  readonly id: number;
  readonly token: string;
  readonly type: RunnerType;
  readonly projectId: number | null;
  readonly groupId: number | null;
  readonly description: string;
  readonly tags: readonly string[];
  readonly runUntagged: boolean;
  readonly paused: boolean;
  readonly locked: boolean;
  readonly accessLevel: 'not_protected' | 'ref_protected';
  /** null: as long as the job itself says. */
  readonly maximumTimeoutSeconds: number | null;
  readonly maintenanceNote: string | null;
  readonly tokenExpiresAt: Date | null;
  readonly createdAt: Date;
  readonly contactedAt: Date | null;
}

export const runnerTypes = ['instance_type', 'group_type', 'project_type'] as const;
export type RunnerType = (typeof runnerTypes)[number];

/** A host that asks for jobs in a runner's name. */
export interface RunnerManager {
  readonly id: number;
  readonly runnerId: number;
  readonly systemId: string;
  readonly version: string | null;
  readonly revision: string | null;
  readonly platform: string | null;
  readonly architecture: string | null;
  readonly executor: string | null;
  /** Whether a job of this host can be told to stop gracefully; if not, it is simply `canceled`. */
  readonly cancelsGracefully: boolean;
  readonly createdAt: Date;
  readonly contactedAt: Date;
}

const onlineForMs = 2 * 3600 * 1000;
const staleAfterMs = 7 * 24 * 3600 * 1000;

/** `online`, `offline`, `stale` (a week without contact) or `never_contacted`. */
export function contactStatus(
  { contactedAt, createdAt }: { readonly contactedAt: Date | null; readonly createdAt: Date },
  now: Date,
): string {
  if (now.getTime() - (contactedAt ?? createdAt).getTime() > staleAfterMs) return 'stale';
  if (contactedAt === null) return 'never_contacted';
  return now.getTime() - contactedAt.getTime() <= onlineForMs ? 'online' : 'offline';
}
