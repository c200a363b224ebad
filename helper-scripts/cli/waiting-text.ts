import type { Cap, RunnerItem, Wait } from '../../autoscaler/runner-store/runner-item.ts';
import { ageText } from './time-text.ts';
import { troubleOf } from './wait-troubles.ts';

/** How many places are taken under each counter; empty where nobody looked. */
export type PlacesTaken = ReadonlyMap<string, number>;

/**
 * Why a job waits, in words: what is in its way and since when, or which caps are full. `now`: milliseconds since 1970.
 */
export function waitText(item: Pick<RunnerItem, 'waitsFor' | 'caps'>, taken: PlacesTaken, now: number): string {
  const { waitsFor, caps } = item;
  if (waitsFor)
    return `${reasonText(waitsFor)} (since ${ageText(now - Date.parse(waitsFor.since))}; ${lookText(waitsFor, now)})`;
  const full = fullCaps(caps, taken);
  if (full.length === 0) return `waits for a place: ${caps.map((cap) => capText(cap, taken)).join(', ')}`;
  return `waits for a place under ${full.map((cap) => capText(cap, taken)).join(' and ')}`;
}

/** The trouble in words, and what was met. */
export function reasonText({ error, message }: Pick<Wait, 'error' | 'message'>): string {
  return `${troubleOf(error).words}: ${[error, message].filter(Boolean).join(': ')}`;
}

/** When somebody looks next whether the trouble is over. */
export function lookText({ lookAt, looks }: Pick<Wait, 'lookAt' | 'looks'>, now: number): string {
  const milliseconds = Date.parse(lookAt) - now;
  const next = milliseconds > 0 ? `in ${ageText(milliseconds)}` : 'within a minute';
  return `looked ${looks === 1 ? 'once' : `${looks} times`}, again ${next}`;
}

/** Those of the caps under which no place is free, as far as is known. */
export function fullCaps(caps: readonly Cap[], taken: PlacesTaken): readonly Cap[] {
  return caps.filter(({ counter, limit }) => (taken.get(counter) ?? 0) >= limit);
}

/** A cap by what set it, with the places that are taken: `profile shell (3 of 3)`. */
export function capText({ counter, limit }: Cap, taken: PlacesTaken): string {
  const inUse = taken.get(counter);
  return `${capName(counter)} (${inUse === undefined ? `at most ${limit}` : `${inUse} of ${limit}`})`;
}

function capName(counter: string): string {
  const [, kind, ...rest] = counter.split('#');
  switch (kind) {
    case 'deployment':
      return 'maxConcurrent of the deployment';
    case 'lambda':
      return 'what the account’s Lambda quota leaves to jobs';
    default:
      return `maxConcurrent of the ${kind} ${rest.join('#')}`;
  }
}
