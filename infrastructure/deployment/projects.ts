import { z } from 'zod';
import { projectGlobFault } from '../kit/project-glob.ts';

/** The first that does not fit is told, and no other. */
const orElse = (error: string) => ({ error, abort: true });

/** Paths (`group/project`) or globs (`group/**`) of projects, in the words that mappings know too. */
export const allowedProjectsSchema = z.array(
  z
    .string()
    .regex(/./, orElse('write the path of a project'))
    .regex(/^[^!]/, orElse('a list of what is allowed cannot exclude; name what you want instead'))
    .regex(/^(?!\/|\w+:\/\/)/, orElse('write the path alone, such as group/project'))
    .regex(/\/|^\*\*$/, orElse('a project is in a group; write group/project, or group/** for all of a group'))
    .regex(/[^/]$/, orElse('a path does not end with a slash; remove it, or write group/** for all of a group'))
    .regex(/^\S*$/, orElse('a path has no spaces; remove them'))
    .superRefine((glob, context) => {
      const fault = projectGlobFault(glob);
      if (fault !== null) context.addIssue(fault);
    }),
);
