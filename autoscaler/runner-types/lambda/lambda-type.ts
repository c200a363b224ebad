import { functionCutOff, functionFailed, functionNotStarted } from '../../runner-store/runner-errors.ts';
import { functionTicketId } from '../../runner-store/ticket-place.ts';
import type { RunnerTypeTraits } from '../contract/runner-type.ts';
import { lambdaCounter } from './lambda-limit.ts';

/** No function lives longer. Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const functionLifeSeconds = 15 * 60;

/** One invocation of a function for one job. */
export const lambdaType: RunnerTypeTraits = {
  name: 'LAMBDA',
  launch: 'invoked',
  ticketIdOf: ({ profile, randomId }) => functionTicketId(profile, randomId()),
  refusesImages: true,
  accountCounter: lambdaCounter,
  hasSpot: false,
  ownErrors: [functionFailed, functionNotStarted, functionCutOff],
  neverStarted: functionNotStarted,
  longest: {
    // The workflow that invokes it lives for four minutes.
    launch: 5 * 60,
    // Lambda tries for five minutes to start the function, and may notice their end late; then a cold start, and the
    // wait for a job (22 s). Who is given up before that may never have been started, and nobody would know.
    service: 7 * 60,
    job: () => functionLifeSeconds + 60,
  },
};
