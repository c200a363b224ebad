import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 240_000,
    hookTimeout: 300_000,
    // Many tests wait for processes and servers of their own, so that a second worker pays even on two processors.
    maxWorkers: 2,
    // Patience for what happens in another process, on a machine that may be busy.
    expect: { poll: { timeout: 30_000, interval: 50 } },
    // Slow ones have a process of their own each: everything on the local AWS runs one after the other, beside the rest.
    projects: [
      { extends: true, test: { name: 'fast', include: ['test/**/*.test.ts'], exclude: ['test/end-to-end/**'] } },
      { extends: true, test: { name: 'end-to-end', include: ['test/end-to-end/*.test.ts'], fileParallelism: false } },
    ],
  },
});
