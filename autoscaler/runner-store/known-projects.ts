/** A project whose jobs we look after. */
export type KnownProject = { readonly projectId: number; readonly path: string | null };

export type ProjectsStore = {
  /** Remembers a project for another month: one write a day, and none when it was noted today. `day`: ISO 8601 date. */
  noteProject(project: KnownProject, day: string): Promise<void>;
  /** A project that is not allowed is not looked after any more, until it is noted again. */
  forgetProject(projectId: number): Promise<void>;
};

/** What stands in the sparse index of live items in place of their mark, for known projects. */
export const projectMark = 'project';
