import type { ListedProject } from '../../../infrastructure/gitlab/gitlab-listings.ts';
import { allowedProjectsFilter } from '../../../infrastructure/kit/allowed-projects.ts';
import type { ReconcilePorts } from '../reconcile-ports.ts';
import type { AskGitLab } from './ask-gitlab.ts';
import { inTurns } from './in-turns.ts';
import { isMeantBy, namedBy } from './known-projects.ts';
import type { ReconcilerMemory } from './memory.ts';

const discoverySeconds = 24 * 60 * 60;
/** Of a hundred projects each, in one pass: the rest is for the next ones. */
const pagesPerPass = 10;
const notesAtOnce = 25;

type DiscoveryPorts = Pick<ReconcilePorts, 'gitlab' | 'memory' | 'projects'>;
type Discovery = Pick<ReconcilerMemory, 'discoveredAt' | 'discovery'>;

/** Whether projects are to be looked up now; `roundIsDue`: whether a round over the known ones begins, or goes on. */
export function isDiscoveryDue({ discoveredAt, discovery }: Discovery, roundIsDue: boolean, now: number): boolean {
  return discovery !== undefined || (roundIsDue && now - discoveredAt >= discoverySeconds * 1_000);
}

/**
 * Notes the projects that the configuration names, themselves or by a group: once a day, since that takes many calls. A
 * pass looks up some, remembers where it was, and the next one goes on there. What GitLab does not say is asked for
 * again in the next round.
 *
 * @param known when that was done last, and how far it came.
 */
export async function discoverProjects(
  ports: DiscoveryPorts,
  known: Discovery,
  ask: AskGitLab,
  now: number,
): Promise<Discovery> {
  const day = new Date(now).toISOString().slice(0, 10);
  let { pattern, page, complete } = known.discovery ?? { pattern: 0, page: 1, complete: true };
  for (let asked = 0; pattern < ports.projects.length; asked += 1) {
    if (asked === pagesPerPass) return { ...known, discovery: { pattern, page, complete } };
    const name = ports.projects[pattern] ?? '';
    const [at, first] = [page, page === 1];
    const found = await ask(`the projects of ${name}${first ? '' : `, page ${at}`}`, () => projectsOf(name, at, ports));
    if (found === null && !ask.isUp()) return { ...known, discovery: { pattern, page, complete } };
    await inTurns(found?.projects ?? [], notesAtOnce, (project) => ports.memory.noteProject(project, day));
    if (found === null) complete = false;
    [pattern, page] = found?.isLast === false ? [pattern, page + 1] : [pattern + 1, 1];
  }
  return { discoveredAt: complete ? now : known.discoveredAt };
}

type Page = { readonly projects: readonly ListedProject[]; readonly isLast: boolean };

async function projectsOf(pattern: string, page: number, { gitlab }: DiscoveryPorts): Promise<Page> {
  const named = namedBy(pattern);
  if (named?.kind === 'group') {
    const { projects, isLast } = await gitlab.projectsOfGroup(named.path, page);
    return { projects: projects.filter((project) => isMeantBy(pattern, project)), isLast };
  }
  const project = named && (await gitlab.findProject(named.path));
  // GitLab finds a project that moved under its former path too.
  const isMeant = project && allowedProjectsFilter([pattern])(project.path).allowed;
  return { projects: isMeant ? [project] : [], isLast: true };
}
