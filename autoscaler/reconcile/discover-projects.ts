import type { ListedProject } from '../../infrastructure/lib/gitlab-listings.ts';
import type { AskGitLab } from './ask-gitlab.ts';
import { isMeantBy, namedBy } from './known-projects.ts';
import type { ReconcilePorts } from './reconcile-ports.ts';

const discoverySeconds = 24 * 60 * 60;

type DiscoveryPorts = Pick<ReconcilePorts, 'gitlab' | 'memory' | 'projects'>;

/**
 * Notes the projects that the configuration names, themselves or by a group: once a day, since that takes many calls. When GitLab does not
 * say, the next round asks again.
 *
 * @param discoveredAt when that was done last: milliseconds since 1970.
 * @returns when it was done last now.
 */
export async function discoverProjects(
  ports: DiscoveryPorts,
  discoveredAt: number,
  ask: AskGitLab,
  now: number,
): Promise<number> {
  if (now - discoveredAt < discoverySeconds * 1_000) return discoveredAt;
  const day = new Date(now).toISOString().slice(0, 10);
  let complete = true;
  for (const pattern of ports.projects) {
    const found = await ask(`the projects of ${pattern}`, () => projectsOf(pattern, ports));
    if (found === null) complete = false;
    for (const project of found ?? []) await ports.memory.noteProject(project, day);
  }
  return complete ? now : discoveredAt;
}

async function projectsOf(pattern: string, { gitlab }: DiscoveryPorts): Promise<readonly ListedProject[]> {
  const named = namedBy(pattern);
  if (named?.kind === 'group') {
    const inside = await gitlab.projectsOfGroup(named.path);
    return inside.filter((project) => isMeantBy(pattern, project));
  }
  const project = named && (await gitlab.findProject(named.path));
  return project ? [project] : [];
}
