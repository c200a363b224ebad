/** One page of a list and the headers that lead to the others: https://docs.gitlab.com/api/rest/#pagination. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly headers: Readonly<Record<string, string>>;
}

const defaultPerPage = 20;
const mostPerPage = 100;

/**
 * @param url of the request, from which the links are made
 * @param counted false for lists that GitLab does not count, such as a project's jobs
 */
export function paginate<T>(items: readonly T[], url: URL, counted = true): Page<T> {
  const perPage = Math.min(readWhole(url, 'per_page', defaultPerPage), mostPerPage);
  const page = readWhole(url, 'page', 1);
  const pages = Math.max(1, Math.ceil(items.length / perPage));
  const next = page < pages ? page + 1 : undefined;
  const previous = page > 1 ? page - 1 : undefined;
  const link = (rel: string, target: number | undefined): string[] =>
    target === undefined ? [] : [`<${withPage(url, target, perPage)}>; rel="${rel}"`];
  return {
    items: items.slice((page - 1) * perPage, page * perPage),
    headers: {
      'X-Page': String(page),
      'X-Per-Page': String(perPage),
      'X-Next-Page': String(next ?? ''),
      'X-Prev-Page': String(previous ?? ''),
      ...(counted ? { 'X-Total': String(items.length), 'X-Total-Pages': String(pages) } : {}),
      Link: [
        ...link('prev', previous),
        ...link('next', next),
        ...link('first', 1),
        ...(counted ? link('last', pages) : []),
      ].join(', '),
    },
  };
}

function readWhole(url: URL, name: string, otherwise: number): number {
  const value = Number(url.searchParams.get(name));
  return Number.isInteger(value) && value > 0 ? value : otherwise;
}

function withPage(url: URL, page: number, perPage: number): string {
  const target = new URL(url);
  target.searchParams.set('page', String(page));
  target.searchParams.set('per_page', String(perPage));
  return target.href;
}
