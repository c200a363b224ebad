import { describe, expect, it } from 'vitest';
import {
  isLeftToOthers,
  MappingNotAllowedError,
  mightBeOurs,
  type Offer,
} from '../../../autoscaler/demand/choose-runner.ts';
import type { JobMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import { decideByProtection } from '../../../autoscaler/start-runner/job-protection.ts';
import { jobMapping, pendingJob } from '../../support/builders.ts';

const deployRow = (changes: Partial<JobMapping> = {}) =>
  jobMapping({ id: 'deploy row', target: { type: 'EC2', profile: 'deploy' }, ...changes });
const otherRow = jobMapping({ id: 'other row', target: { type: 'EC2', profile: 'default' } });
const ignoreRow = jobMapping({ id: 'ignore row', target: { type: 'IGNORE' } });

function offerOf(...mappings: readonly JobMapping[]): Offer {
  const deploy = { type: 'EC2', timeoutMinutes: 60, accessLevel: 'ref_protected' } as const;
  const profiles = { default: { type: 'EC2', timeoutMinutes: 60 }, deploy } as const;
  return { mappings, profiles, defaultRunner: { type: 'IGNORE' } };
}

async function decide(offer: Offer, { protectedRefs = ['main'], ref = 'main', stage = 'test' } = {}) {
  const asked: string[] = [];
  const askIfProtected = async () => {
    asked.push(ref);
    return protectedRefs.includes(ref);
  };
  const event = { ...pendingJob(), ref, stage };
  const decision = decideByProtection(event, { tags: [] }, offer, askIfProtected);
  return { decision: await decision, asked };
}

describe('a job of a protected ref', () => {
  it('gets a runner that GitLab keeps for such jobs, where its profile says so', async () => {
    const { decision, asked } = await decide(offerOf(deployRow()));
    expect(decision).toMatchObject({ choice: { profile: 'deploy', accessLevel: 'ref_protected' } });
    expect(asked).toEqual(['main']);
  });

  it('gets the row that asks for protection, and others get the next', async () => {
    const offer = offerOf(otherRow, deployRow({ isProtected: true }));
    expect((await decide(offer)).decision).toMatchObject({ choice: { mapping: 'deploy row' } });
    expect((await decide(offer, { ref: 'topic' })).decision).toMatchObject({ choice: { mapping: 'other row' } });
  });
});

describe('a job of another ref', () => {
  it('is refused at once, with row and remedy, when its profile is for protected refs', async () => {
    const refused = decide(offerOf(deployRow()), { ref: 'topic' });
    await expect(refused).rejects.toThrow(MappingNotAllowedError);
    await expect(decide(offerOf(deployRow()), { ref: 'topic' })).rejects.toThrow(
      /mapping "deploy row" asks for the profile "deploy".*"topic" is not protected: protect it in GitLab/,
    );
  });
});

describe('GitLab', () => {
  it('is not asked for protection where no row in reach and no profile depends on it', async () => {
    const { decision, asked } = await decide(offerOf(otherRow, deployRow({ jobName: 'elsewhere', isProtected: true })));
    expect(decision).toMatchObject({ choice: { profile: 'default' } });
    expect(decision).not.toMatchObject({ choice: { accessLevel: expect.anything() } });
    expect(asked).toEqual([]);
  });
});

describe('rows with a ref or a stage', () => {
  it('are for jobs of these alone', async () => {
    const offer = offerOf(otherRow, jobMapping({ id: 'release', ref: 'release/*', stage: 'deploy' }));
    const rowOf = async (changes: object) => (await decide(offer, changes)).decision;
    expect(await rowOf({ ref: 'release/1', stage: 'deploy' })).toMatchObject({ choice: { mapping: 'release' } });
    expect(await rowOf({ ref: 'release/1', stage: 'test' })).toMatchObject({ choice: { mapping: 'other row' } });
    expect(await rowOf({ ref: 'topic', stage: 'deploy' })).toMatchObject({ choice: { mapping: 'other row' } });
  });
});

describe('as long as protection is not known', () => {
  it('a job that one row would start is not taken for one of others', () => {
    const offer = offerOf(ignoreRow, deployRow({ isProtected: true }));
    expect(mightBeOurs(pendingJob(), offer)).toBe(true);
    expect(isLeftToOthers(pendingJob(), { tags: [] }, offer)).toBe(false);
    expect(isLeftToOthers(pendingJob(), { tags: [] }, offerOf(ignoreRow))).toBe(true);
  });

  it('an IGNORE row for protected refs does not hide what starts the other jobs', () => {
    const offer = offerOf(jobMapping({ id: 'ignore', isProtected: true, target: { type: 'IGNORE' } }));
    const withDefault: Offer = { ...offer, defaultRunner: { type: 'EC2', profile: 'default' } };
    expect(mightBeOurs(pendingJob(), withDefault)).toBe(true);
  });
});
