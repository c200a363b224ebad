import { describe, expect, it } from 'vitest';
import { validateDefinition, worstRetrySeconds } from '../support/state-machine-checks.ts';
import { definitionFromTemplate } from '../support/state-machine-template.ts';
import { autoscalerTemplate } from './autoscaler-template.ts';

const template = autoscalerTemplate();

describe.each(['StartRunner', 'StopRunner', 'AbandonRunner', 'InterruptRunner'])('the definition of %s', (name) => {
  const definition = definitionFromTemplate(template, name);

  it('is valid Amazon States Language: nothing dangles, nothing is unreachable', () => {
    expect(validateDefinition(definition)).toEqual([]);
  });

  it('waits less than 90 seconds for retries on its longest path', () => {
    expect(worstRetrySeconds(definition)).toBeLessThan(90);
  });
});
