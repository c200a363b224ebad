import { describe, expect, it } from 'vitest';
import { defineDeployment } from '../../../infrastructure/deployment/deployment.ts';

describe('scripts that an editor of another system has saved', () => {
  const dosText = (text: string) => `\uFEFF${text.replaceAll('\n', '\r\n')}`;
  const script = 'set -e\nif true; then\n\tdate\nfi\n';

  it('are shipped without carriage returns and byte order mark', () => {
    const hooks = { preGetSources: dosText(script), preBuild: dosText(script), boot: dosText(script) };
    const { profiles, ami } = defineDeployment({
      profiles: { default: { type: 'EC2', hooks } },
      ami: { components: { mine: { build: dosText(script), test: dosText(script) } } },
    });
    expect(profiles.default?.hooks).toEqual({ preGetSources: script, preBuild: script, boot: script });
    expect(ami.components.mine).toEqual({ build: script, test: script });
  });
});
