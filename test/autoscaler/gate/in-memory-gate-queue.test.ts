import { inMemoryGateQueue } from '../../support/in-memory-gate-queue.ts';
import { describeGateQueue } from './gate-queue.contract.ts';

describeGateQueue('the queue of decisions in memory', () => ({ queue: inMemoryGateQueue(), reset: async () => {} }));
