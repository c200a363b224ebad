/** A project; it has no repository, only the file that says what its pipelines do. */
export interface Project {
  readonly id: number;
  /** `group/subgroup/name` */
  readonly path: string;
  /** From the outermost group to the innermost. */
  readonly groupIds: readonly number[];
  readonly defaultBranch: string;
  /** Names of git tags. */
  readonly gitTags: readonly string[];
  /** Names, and wildcards (`release/*`); of a new project the default branch alone. */
  readonly protectedRefs: Readonly<Record<RefType, readonly string[]>>;
  /** `.gitlab-ci.yml`; null when there is none. */
  readonly ciConfig: string | null;
  readonly variables: readonly ProjectVariable[];
}

export type RefType = 'branch' | 'tag';

export interface ProjectVariable {
  readonly key: string;
  readonly value: string;
  readonly file: boolean;
  readonly masked: boolean;
}

export interface Group {
  readonly id: number;
  readonly path: string;
}

export interface Pipeline {
  readonly id: number;
  /** Counts within the project. */
  readonly iid: number;
  readonly projectId: number;
  readonly ref: string;
  readonly refType: RefType;
  readonly sha: string;
  readonly createdAt: Date;
  readonly variables: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

export function projectName(project: Project): string {
  return project.path.split('/').at(-1) ?? project.path;
}

export function projectNamespace(project: Project): string {
  return project.path.split('/').slice(0, -1).join('/');
}

/** As shown to people: `Group / Project`. */
export function fullName(project: Project): string {
  return project.path.split('/').map(humanize).join(' / ');
}

export function humanize(path: string): string {
  return path
    .split(/[-_]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
}
