import type { RunnersStore } from '../../autoscaler/runner-store/runners-store.ts';
import { type AllPorts, type Composition, realComposition } from './composition.ts';

export type LambdaWork = Composition['lambdas'][string]['work'];

/** The real code, but for some Lambdas. */
export function withLambdas(changed: Partial<Record<keyof typeof realComposition.lambdas, LambdaWork>>): Composition {
  const lambdas = Object.entries(realComposition.lambdas).map(([name, lambda]) => [
    name,
    { ...lambda, work: changed[name as keyof typeof changed] ?? lambda.work },
  ]);
  return { lambdas: Object.fromEntries(lambdas) };
}

/** The real code, but for what every Lambda is given. */
export function withPorts(ports: (ports: AllPorts) => AllPorts): Composition {
  return { ...realComposition, ports };
}

export function withStore(change: (store: RunnersStore) => Partial<RunnersStore>): (ports: AllPorts) => AllPorts {
  return (ports) => ({ ...ports, store: { ...ports.store, ...change(ports.store) } });
}
