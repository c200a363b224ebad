import type { OutageMark } from '../../autoscaler/runner-store/outage-mark.ts';

/** When GitLab was last seen not to answer, in memory; milliseconds since 1970. */
export function inMemoryOutageMark(lastSeen: number | null = null): OutageMark {
  let seen = lastSeen;
  return {
    async note(at) {
      seen = at;
    },
    lastSeen: async () => seen,
  };
}
