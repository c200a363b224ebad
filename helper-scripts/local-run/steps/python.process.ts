import { join } from 'node:path';
import { ensurePythonEnvironment } from '../../local-aws/python-environment.process.ts';
import { repository } from '../local-deployment.ts';
import { takeRunFolder } from '../run-folder.process.ts';
import type { LocalRunStep } from './step.ts';

export const preparePython: LocalRunStep = {
  title: 'Python environment with MiniStack',
  async run(parts, tell) {
    const giveBack = takeRunFolder(parts.options.folder);
    parts.stops.push(async () => giveBack());
    parts.python = await ensurePythonEnvironment({ folder: join(repository, '.local/python'), log: tell });
    return undefined;
  },
};
