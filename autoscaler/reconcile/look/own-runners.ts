import type { ListedRunner } from '../../../infrastructure/gitlab/gitlab-listings.ts';
import type { RunnerItem } from '../../runner-store/runner-item.ts';
import { isNoteOf } from '../../runner-store/runner-mark.ts';
import { findOwners } from '../decide/owners.ts';
import type { ReconcilePorts } from '../reconcile-ports.ts';
import type { AskGitLab } from './ask-gitlab.ts';
import { inTurns } from './in-turns.ts';

const callsAtOnce = 5;
/**
 * Notes asked for in one pass; of the rest it is said that nothing accounts for them, and removing looks at the note
 * anyway.
 */
const notesPerPass = 60;

/**
 * The deployment's runners in GitLab. Anybody may describe a runner as we do: of those that no live item has, the
 * maintenance note says whose they are. Null when GitLab does not tell.
 */
export async function listOwnRunners(
  live: readonly RunnerItem[],
  { gitlab, deployment }: Pick<ReconcilePorts, 'gitlab' | 'deployment'>,
  ask: AskGitLab,
): Promise<readonly ListedRunner[] | null> {
  const listed = await ask('our runners', () => gitlab.ownRunners(`${deployment} `));
  const owners = findOwners(live);
  const unknown = (listed ?? []).filter(({ runnerId }) => !owners.ownRunner(runnerId));
  const foreign = new Set<number>();
  await inTurns(unknown.slice(0, notesPerPass), callsAtOnce, async ({ runnerId }) => {
    const note = await ask(`the note of runner ${runnerId}`, () => gitlab.readRunnerNote(runnerId));
    if (note !== null && !isNoteOf(deployment, note)) foreign.add(runnerId);
  });
  return listed?.filter(({ runnerId }) => !foreign.has(runnerId)) ?? null;
}
