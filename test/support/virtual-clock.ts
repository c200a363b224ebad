/** A clock that stands still while anything can go on, and then jumps to the next moment that somebody waits for. */
export type VirtualClock = {
  /** Milliseconds since its start. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Lets time pass until the work is done. It must wait for nothing but this clock. */
  run<T>(work: Promise<T>): Promise<T>;
};

export function virtualClock(): VirtualClock {
  let time = 0;
  const waiting: { readonly at: number; readonly wake: () => void }[] = [];
  return {
    now: () => time,
    sleep: (milliseconds) =>
      new Promise((wake) => {
        const at = time + Math.max(0, milliseconds);
        const later = waiting.findIndex((one) => one.at > at);
        waiting.splice(later === -1 ? waiting.length : later, 0, { at, wake });
      }),
    async run(work) {
      let done = false;
      const settle = () => {
        done = true;
      };
      work.then(settle, settle);
      for (;;) {
        // Everything that can go on without time goes on first.
        await new Promise((resolve) => setImmediate(resolve));
        if (done) return work;
        const next = waiting.shift();
        if (!next) throw new Error('everybody waits, and nobody for the clock');
        time = next.at;
        next.wake();
      }
    },
  };
}

/** Numbers from 0 (inclusive) to 1 (exclusive), the same for the same seed: a linear congruential generator. */
export function seededRandom(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
