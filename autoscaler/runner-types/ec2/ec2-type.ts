import type { RunnerTypeTraits } from '../contract/runner-type.ts';

/** GitLab itself fails a job a quarter of an hour after its runner's `maximum_timeout`. */
const jobMarginSeconds = 20 * 60;

/** A spot or on-demand instance for one job. */
export const ec2Type: RunnerTypeTraits = {
  name: 'EC2',
  launch: 'requested',
  ticketIdOf: ({ job }) => job,
  refusesImages: false,
  accountCounter: null,
  hasSpot: true,
  ownErrors: [],
  neverStarted: null,
  longest: {
    // The launcher gives up after about a quarter of an hour without capacity, and tickets are worthless after half an
    // hour.
    launch: 30 * 60,
    // Boot, the profile's boot hook (120 s), the ticket (180 s), docker (35 s), the wait for a job (115 s).
    service: 10 * 60,
    job: (timeoutSeconds) => timeoutSeconds + jobMarginSeconds,
  },
};
