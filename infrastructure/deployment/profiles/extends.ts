import type { Fault } from '../faults.ts';
import { nearestOf } from '../nearest-name.ts';

type Profiles = Readonly<Record<string, unknown>>;
type Settings = Readonly<Record<string, unknown>>;

/** Profiles as they are meant: each with what it takes over from the profile that it extends. */
export type ExtendedProfiles = {
  readonly profiles: Profiles;
  readonly faults: readonly Fault[];
  /** Where a setting of a profile was written, when not in the profile itself; `path` begins inside of the profile. */
  originOf(name: string, path: readonly PropertyKey[]): string | undefined;
};

/**
 * Resolves `extends`. What a profile says replaces what its base says; objects (`docker`, `environment`,
 * `resourceTags`, ...) are merged key by key, lists and everything else are replaced as a whole, and `undefined` takes
 * the base's over. A base may extend another profile, must be of the same type, and is a profile like every other.
 * `type` is never taken over.
 */
export function extendProfiles(profiles: Profiles): ExtendedProfiles {
  const faults = Object.keys(profiles).flatMap((name) => {
    const message = whyNotExtended(profiles, name);
    return message ? [{ path: ['profiles', name, 'extends'], message }] : [];
  });
  const isFaulty = (name: string) => faults.some(({ path }) => path[1] === name);
  const baseOf = (name: string) => (isFaulty(name) ? undefined : baseNameOf(profiles[name]));
  const resolve = (name: string): unknown => {
    const own = profiles[name];
    const base = baseOf(name);
    if (!isSettings(own) || typeof own.extends !== 'string') return own;
    const { extends: _, ...said } = own;
    return base === undefined ? said : { ...(merge(resolve(base), said) as Settings), type: said.type };
  };
  return {
    profiles: Object.fromEntries(Object.keys(profiles).map((name) => [name, resolve(name)])),
    faults,
    originOf(name, path) {
      if (path[0] === 'type' || says(profiles[name], path)) return undefined;
      for (let base = baseOf(name); base !== undefined; base = baseOf(base))
        if (says(profiles[base], path)) return base;
      return undefined;
    },
  };
}

function whyNotExtended(profiles: Profiles, name: string): string | undefined {
  const base = baseNameOf(profiles[name]);
  if (base === undefined) return undefined;
  if (!Object.hasOwn(profiles, base)) {
    const known = Object.keys(profiles).filter((other) => other !== name);
    const nearest = nearestOf(base, known);
    const remedy = nearest ? `did you mean "${nearest}"?` : `name one of: ${known.join(', ') || '(there is no other)'}`;
    return `"${base}" is not a profile; ${remedy}`;
  }
  const cycle = cycleOf(profiles, name);
  if (cycle) return `the profile extends itself (${cycle.join(' -> ')}); remove one of these "extends"`;
  const [ownType, baseType] = [typeOf(profiles[name]), typeOf(profiles[base])];
  if (ownType === undefined || baseType === undefined || ownType === baseType) return undefined;
  return `"${base}" is of type ${baseType} and this profile of type ${ownType}; extend a profile of the same type`;
}

/** The way from a profile over its bases back to itself; undefined when it never comes back. */
function cycleOf(profiles: Profiles, name: string): readonly string[] | undefined {
  const way = [name];
  for (let base = baseNameOf(profiles[name]); base !== undefined; base = baseNameOf(profiles[base])) {
    way.push(base);
    if (base === name) return way;
    if (way.indexOf(base) < way.length - 1 || !Object.hasOwn(profiles, base)) return undefined;
  }
  return undefined;
}

function merge(base: unknown, own: unknown): unknown {
  if (own === undefined) return base;
  if (!isSettings(base) || !isSettings(own)) return own;
  const keys = new Set([...Object.keys(base), ...Object.keys(own)]);
  return Object.fromEntries([...keys].map((key) => [key, merge(settingOf(base, key), settingOf(own, key))]));
}

function settingOf(settings: Settings, key: string): unknown {
  return Object.hasOwn(settings, key) ? settings[key] : undefined;
}

function says(value: unknown, path: readonly PropertyKey[]): boolean {
  if (path.length === 0) return value !== undefined;
  const [key, ...rest] = path;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key as PropertyKey)) return false;
  return says((value as Record<PropertyKey, unknown>)[key as PropertyKey], rest);
}

function baseNameOf(profile: unknown): string | undefined {
  const base = isSettings(profile) ? profile.extends : undefined;
  return typeof base === 'string' ? base : undefined;
}

function typeOf(profile: unknown): string | undefined {
  return isSettings(profile) && typeof profile.type === 'string' ? profile.type : undefined;
}

/** A plain object, as configuration files write settings. */
export function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
