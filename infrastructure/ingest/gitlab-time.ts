/** Date and time, seconds' fraction if any, then the zone: `Z`, `UTC`, `+0800` or `+08:00`. */
const knownTime = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d{1,9})?(?: ?(Z|UTC|GMT)| ?([+-])(\d{2}):?(\d{2}))$/;

/**
 * Reads a time of a GitLab payload and returns it as ISO 8601 in UTC; null when it is none. Formats seen from GitLab 8
 * to 19: `2016-09-28 10:00:00 UTC`, `2016-09-28 10:00:00 +0800`, ISO 8601 with and without milliseconds. A time without
 * a zone is none.
 */
export function parseGitLabTime(value: unknown): string | null {
  const match = typeof value === 'string' ? knownTime.exec(value.trim()) : null;
  if (!match) return null;
  const [, date, time, fraction = '', , sign, hours, minutes] = match;
  const zone = sign ? `${sign}${hours}:${minutes}` : 'Z';
  const milliseconds = Date.parse(`${date}T${time}${fraction.slice(0, 4)}${zone}`);
  return Number.isNaN(milliseconds) ? null : new Date(milliseconds).toISOString();
}
