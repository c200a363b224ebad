import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLog } from '../../../infrastructure/kit/lambda/log.ts';
import { startDockerStandIn } from '../../local-instances/docker-stand-in.server.ts';
import { startInstanceHost } from '../../local-instances/instance-host.process.ts';
import { region } from '../local-deployment.ts';
import type { LocalRunStep } from './step.ts';

export const startInstances: LocalRunStep = {
  title: 'Host for instances',
  async run(parts) {
    const { folder, bootDelayMilliseconds } = parts.options;
    // The stand-in for gitlab-runner runs jobs of the docker executor without docker; the real one needs this
    // machine's.
    const docker = parts.runner.kind === 'real' ? undefined : await startDockerStandIn();
    if (docker) parts.stops.push(docker.close);
    const instances = await startInstanceHost({
      endpoint: parts.aws.endpoint,
      region,
      log: createLog((line) => appendFileSync(join(folder, 'instances.log'), `${line}\n`), Date.now),
      folder: join(folder, 'instances'),
      runnerPathFolder: join(folder, 'bin'),
      dockerHost: docker ? docker.host : process.env.DOCKER_HOST,
      bootDelayMilliseconds,
    });
    parts.instances = instances;
    parts.stops.push(() => instances.stop());
    return undefined;
  },
};
