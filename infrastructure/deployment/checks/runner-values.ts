import type { RunnerValue } from '../../gitlab-runner/gitlab-runner-keys.ts';
import { below, type Fault } from '../faults.ts';
import { stateOf } from '../messages.ts';
import { isSettings } from '../profiles/extends.ts';

/** Source: https://pkg.go.dev/time#ParseDuration */
const durationPattern = /^(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+)$/;

/**
 * Why GitLab Runner would not take a value ("incompatible types"), and what to write instead; paths begin at the value.
 */
export function runnerValueFaults(expected: RunnerValue, value: unknown): Fault[] {
  const fault = (remedy: string): Fault[] => [{ path: [], message: `${stateOf(value)}; ${remedy}` }];
  switch (expected) {
    case 'text':
      if (typeof value === 'string') return [];
      return fault(isScalar(value) ? `write it as a text: "${value}"` : 'write a text');
    case 'integer':
      if (Number.isSafeInteger(value)) return [];
      return fault(isWholeNumber(value) ? `write it as a number: ${value}` : 'write a whole number');
    case 'boolean':
      if (typeof value === 'boolean') return [];
      return fault(value === 'true' || value === 'false' ? `write it without quotes: ${value}` : 'write true or false');
    case 'duration':
      if (typeof value === 'string' && durationPattern.test(value)) return [];
      return fault(`${typeof value === 'number' ? 'a number means nanoseconds: ' : ''}write a text such as "30s"`);
    case 'list of text':
      if (!Array.isArray(value)) return fault('write a list of texts');
      return value.flatMap((entry, index) => below([index], runnerValueFaults('text', entry)));
    case 'table of text':
      return inTable('text', value);
    case 'table of boolean':
      return inTable('boolean', value);
    case 'table of lists of text':
      return inTable('list of text', value);
  }
}

function inTable(expected: RunnerValue, value: unknown): Fault[] {
  if (!isSettings(value)) return [{ path: [], message: `${stateOf(value)}; write an object` }];
  return Object.entries(value).flatMap(([key, inner]) => below([key], runnerValueFaults(expected, inner)));
}

function isScalar(value: unknown): value is number | boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

function isWholeNumber(value: unknown): boolean {
  return typeof value === 'string' && /^-?\d{1,15}$/.test(value);
}
