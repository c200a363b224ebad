const secondsPerUnit: Readonly<Record<string, number>> = {
  s: 1,
  sec: 1,
  second: 1,
  m: 60,
  min: 60,
  minute: 60,
  h: 3600,
  hour: 3600,
  d: 86_400,
  day: 86_400,
};

/** Seconds of a duration as `timeout:` takes it (`3h 30m`, `10 minutes`, `90`); undefined when it cannot be read. */
export function parseDurationSeconds(text: string): number | undefined {
  const trimmed = text.trim().toLowerCase();
  if (/^\d+$/.test(trimmed)) return Number(trimmed);
  const parts = [...trimmed.matchAll(/(\d+)\s*([a-z]+)/g)];
  if (parts.length === 0 || trimmed.replace(/\d+\s*[a-z]+|,|\band\b|\s/g, '') !== '') return undefined;
  let seconds = 0;
  for (const [, count = '', unit = ''] of parts) {
    const perUnit = secondsPerUnit[unit] ?? secondsPerUnit[unit.replace(/s$/, '')];
    if (perUnit === undefined) return undefined;
    seconds += Number(count) * perUnit;
  }
  return seconds;
}
