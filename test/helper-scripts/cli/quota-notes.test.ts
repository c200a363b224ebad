import { describe, expect, it } from 'vitest';
import { type AccountQuotas, quotaFindings, quotaNotes } from '../../../helper-scripts/cli/quota-notes.ts';
import { type DeploymentInput, defineDeployment } from '../../../infrastructure/deployment/deployment.ts';

const ample: AccountQuotas = {
  functions: { value: { applied: 1_000, unreserved: 900 } },
  spotCpus: { value: 640 },
  onDemandCpus: { value: 320 },
};
const fresh: AccountQuotas = {
  functions: { value: { applied: 10, unreserved: 10 } },
  spotCpus: { value: 5 },
  onDemandCpus: { value: 5 },
};
const both = defineDeployment({ profiles: { default: { type: 'EC2' }, shell: { type: 'LAMBDA' } } });
const found = (quotas: AccountQuotas, profiles: DeploymentInput['profiles']) =>
  quotaFindings(quotas, defineDeployment({ profiles })).map(({ what, wrong }) => `${what} ${wrong}`);

describe('the quotas that matter', () => {
  it('are told as they apply to the account', () => {
    expect(quotaNotes(ample, both)).toEqual([
      expect.stringMatching(
        /1000 apply here, 900 without a reservation \(800 for jobs, 100 for ingest and control plane\)$/,
      ),
      expect.stringMatching(/^EC2 spot quota .*L-34B43A08.*: 640 vCPUs apply here$/),
      expect.stringMatching(/^EC2 on-demand quota .*L-1216C47A.*: 320 vCPUs apply here$/),
    ]);
  });

  it('are named as those of a new account where they are', () => {
    const notes = quotaNotes(fresh, both);
    expect(notes.filter((note) => note.endsWith('that is what new accounts have: ask for more'))).toHaveLength(3);
    expect(notes[0]).toContain('5 for jobs, 5 for ingest and control plane');
  });

  it('are those of the profiles that there are', () => {
    const notesOf = (profiles: DeploymentInput['profiles']) =>
      quotaNotes(fresh, defineDeployment({ profiles })).map((note) => note.split(' quota')[0]);
    expect(notesOf({ shell: { type: 'LAMBDA' } })).toEqual(['Lambda']);
    expect(notesOf({ always: { type: 'EC2', onDemand: 'always' } })).toEqual(['EC2 on-demand']);
    expect(notesOf({ never: { type: 'EC2', onDemand: 'never' } })).toEqual(['EC2 spot']);
  });

  it('are said to be unknown, with the reason, where nobody may ask for them', () => {
    const unknown = { unknown: 'servicequotas:GetServiceQuota gave no answer (AccessDenied: no)' };
    const notes = quotaNotes({ functions: unknown, spotCpus: unknown, onDemandCpus: unknown }, null);
    expect(notes).toHaveLength(3);
    for (const note of notes) expect(note).toMatch(/: unknown, .*AccessDenied/);
  });
});

describe('a configuration that asks for more than the account may have', () => {
  it('is named with what it asks for and what there is', () => {
    const profiles = {
      default: { type: 'EC2', maxConcurrent: 11 },
      shell: { type: 'LAMBDA', maxConcurrent: 6 },
    } as const;
    expect(found(fresh, profiles)).toEqual([
      "profile shell lets 6 jobs run at the same time, of which the account's Lambda quota allows 5",
      'profile default lets 11 instances run at the same time, and the account may have 10 vCPUs for them',
    ]);
    expect(found(ample, profiles)).toEqual([]);
  });

  it('is not judged by quotas of other instances, nor by those that nobody could read', () => {
    expect(found(fresh, { gpu: { type: 'EC2', instanceTypes: ['g5.xlarge'], maxConcurrent: 99 } })).toEqual([]);
    const unknown = { unknown: 'no answer' };
    expect(found({ ...fresh, spotCpus: unknown }, { default: { type: 'EC2', maxConcurrent: 99 } })).toEqual([]);
  });
});
