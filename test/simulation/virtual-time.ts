/** Time that passes at once: what is due next happens next, and nothing else happens in between. */
export type VirtualTime = {
  /** Milliseconds since 1970. */
  now(): number;
  /** Does something so many milliseconds from now. */
  after(milliseconds: number, work: () => void): void;
  sleep(milliseconds: number): Promise<void>;
  /** Lets time pass until nothing is left to happen, `until` is reached, or `afterStep` says stop. */
  run(until: number, afterStep: () => boolean): Promise<void>;
};

type Due = { readonly at: number; readonly order: number; readonly work: () => void };

export function createVirtualTime(start: number): VirtualTime {
  const heap: Due[] = [];
  let now = start;
  let order = 0;
  const after = (milliseconds: number, work: () => void) => {
    order += 1;
    push(heap, { at: now + Math.max(0, milliseconds), order, work });
  };
  return {
    now: () => now,
    after,
    sleep: (milliseconds) => new Promise((resolve) => after(milliseconds, resolve)),
    async run(until, afterStep) {
      for (let due = pop(heap); due; due = pop(heap)) {
        if (due.at > until) return;
        now = due.at;
        due.work();
        // Whoever waited for this goes on until he waits for something else.
        await new Promise(setImmediate);
        if (afterStep()) return;
      }
    },
  };
}

const isBefore = (one: Due, other: Due) => one.at < other.at || (one.at === other.at && one.order < other.order);

function push(heap: Due[], due: Due): void {
  let index = heap.length;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent] as Due;
    if (!isBefore(due, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = due;
}

function pop(heap: Due[]): Due | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (!first || !last || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    if (left >= heap.length) break;
    const right = left + 1;
    const child = right < heap.length && isBefore(heap[right] as Due, heap[left] as Due) ? right : left;
    if (!isBefore(heap[child] as Due, last)) break;
    heap[index] = heap[child] as Due;
    index = child;
  }
  heap[index] = last;
  return first;
}
