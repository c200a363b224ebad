import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assumeRoleParametersOf } from '../../lambda-shell-runner/job-role.ts';
import { jobPayload } from './executions.ts';

// Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html and API_AssumeRole.html
const key = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u;
const value = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;
const sessionName = /^[\w+=,.@-]{2,64}$/;

const parametersOf = (projectPath: string | null, ids: { projectId?: number; jobId?: number } = {}) => {
  const payload = jobPayload();
  return assumeRoleParametersOf('arn:aws:iam::123456789012:role/deployer', {
    ...payload,
    job: { ...payload.job, projectPath, ...ids },
  });
};
const valuesOf = (projectPath: string | null) =>
  Object.entries(parametersOf(projectPath)).flatMap(([name, text]) => (/^Tags.*Value$/.test(name) ? [text] : []));

const oddPaths = [
  'group/app!',
  'group/a"b',
  'group/a\nb',
  'group/\u202Eppa',
  'group/\u0000',
  'group/a*',
  'group/{app}',
  'group/a,b',
  "group/o'hara",
  'group/a#b',
  'group/🚀',
  'group/a\\b',
  '',
  `group/${'p'.repeat(300)}`,
  'group/<script>',
];
const ids = fc.maxSafeNat();
const paths = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.constantFrom(...oddPaths),
  fc.constant(null),
);

describe('the session of a job’s role', () => {
  it('has no tag or name that STS refuses, whatever the project is called', () => {
    fc.assert(
      fc.property(paths, ids, ids, (projectPath, projectId, jobId) => {
        const { RoleSessionName, ...others } = parametersOf(projectPath, { projectId, jobId });
        expect(RoleSessionName).toMatch(sessionName);
        for (const [name, text] of Object.entries(others)) {
          if (name.endsWith('.Key')) expect(text).toMatch(key);
          if (name.endsWith('.Value')) expect(text).toMatch(value);
        }
      }),
      { seed: 14, numRuns: 3_000 },
    );
  });

  it.each(oddPaths)('has no project’s path in the place of %j, which could be another project’s', (path) => {
    expect(valuesOf(path)).toEqual(['123', '10']);
  });

  it('has the path of every project that GitLab can have, as it is', () => {
    for (const path of ['group/app', 'Group/sub.group/my_app-2', `g/${'p'.repeat(254)}`])
      expect(valuesOf(path)).toContain(path);
  });
});
