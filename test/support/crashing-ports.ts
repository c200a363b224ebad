/** The process died: whatever it calls afterwards does not happen. */
export class CrashError extends Error {
  override readonly name = 'CrashError';
}

/**
 * The same ports, for a process that dies at its call number `call` (from 1), before that call does anything or when it
 * is done but has not answered. `crashed` says whether it came to that call.
 */
export function crashingPorts<Ports extends Readonly<Record<string, object>>>(
  ports: Ports,
  call: number,
  moment: 'before' | 'after',
): { readonly ports: Ports; readonly crashed: () => boolean } {
  let calls = 0;
  const wrapped = Object.entries(ports).map(([name, port]) => [name, proxyOf(port)]);
  return { ports: Object.fromEntries(wrapped), crashed: () => calls >= call };

  function proxyOf(port: object): object {
    return new Proxy(port, {
      get(target, property, receiver) {
        const method: unknown = Reflect.get(target, property, receiver);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]) => {
          calls += 1;
          const died = new CrashError(`died ${moment} ${String(property)}, call ${call}`);
          if (calls > call || (calls === call && moment === 'before')) throw died;
          const answer: unknown = await method.apply(target, args);
          if (calls >= call) throw died;
          return answer;
        };
      },
    });
  }
}
