import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type ContainerEngine, engineOf } from '../../../helper-scripts/local-run/container-engine.process.ts';

/** What each command of the engine does, in shell; `$last` is its last argument. */
export type FakeCommands = Partial<Readonly<Record<'info' | 'image' | 'build' | 'run' | 'ps' | 'rm' | 'tag', string>>>;

/** A container engine that can do what is given, and fails at everything else. */
export class FakeEngine {
  readonly folder = mkdtempSync(join(tmpdir(), 'engine-'));
  readonly program = join(this.folder, 'engine');

  constructor(commands: FakeCommands) {
    const cases = Object.entries(commands).map(([name, script]) => `  ${name}) ${script} ;;`);
    const lines = [
      '#!/bin/bash',
      `echo "$*" >> ${join(this.folder, 'calls')}`,
      `for last in "$@"; do :; done`,
      'case $1 in',
    ];
    writeFileSync(this.program, [...lines, ...cases, '  *) exit 1 ;;', 'esac', ''].join('\n'));
    chmodSync(this.program, 0o755);
    onTestFinished(() => rmSync(this.folder, { recursive: true }));
  }

  /** As the local run finds it in these variables. */
  engine(environment: Readonly<Record<string, string>> = {}): ContainerEngine {
    return engineOf({ ...environment, CDK_DOCKER: this.program });
  }

  /** The lines with which it was called, in order. */
  get calls(): readonly string[] {
    const file = join(this.folder, 'calls');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }
}
