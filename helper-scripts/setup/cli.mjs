#!/usr/bin/env node
// The command line as a program of its own, for `npx gitlab-runners-on-demand` inside a clone.
process.argv.splice(2, 0, 'cli');
await import('./run.mjs');
