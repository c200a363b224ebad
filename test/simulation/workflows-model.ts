import { runStateMachine } from '../support/state-machine.ts';
import { StateError } from '../support/state-machine-errors.ts';
import type { Json } from '../support/state-machine-language.ts';
import { routeTasks, type TaskRunner } from '../support/state-machine-tasks.ts';
import { deployedParts, type WorkflowName } from './deployed.ts';
import type { Faults } from './faults.ts';
import { createRandom, seedOf } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

/** As in workflow.construct.ts. */
const longestMilliseconds = 4 * 60_000;

/** Express workflows: at least once, for some minutes, and now and then one dies on the way. */
export function createWorkflowsModel({
  seed,
  time,
  faults,
  routes,
  scan,
  onEnd,
}: {
  readonly seed: number;
  readonly time: VirtualTime;
  readonly faults: Faults;
  readonly routes: Parameters<typeof routeTasks>[0];
  readonly scan: (where: string, content: unknown) => void;
  readonly onEnd: (what: string) => void;
}) {
  const routed = routeTasks(routes);
  const { definitions } = deployedParts();
  let executions = 0;
  let underWay = 0;

  async function execute(name: WorkflowName, input: Json, nth: number): Promise<void> {
    const random = createRandom(seedOf(seed, `workflow ${nth}`));
    const endsAt = time.now() + longestMilliseconds;
    const died = faults.all('workflow-died').find((fault) => fault.nth === nth);
    let tasks = 0;
    let end: () => void = () => {};
    const death = new Promise<void>((resolve) => {
      end = resolve;
    });
    const never = new Promise<never>(() => {});
    const orDie = (): Promise<never> | null => {
      if (time.now() < endsAt) return null;
      end();
      return never;
    };
    const runTask: TaskRunner = async (resource, taskInput, context) => {
      tasks += 1;
      if (died?.task === tasks) {
        faults.count('workflow-died');
        end();
        return never;
      }
      scan(`the input of ${context.state}`, taskInput);
      const result = await routed(resource, taskInput, context);
      scan(`the output of ${context.state}`, result);
      return orDie() ?? result;
    };
    const passTime = async (seconds: number, why: 'wait' | 'retry') => {
      await time.sleep(seconds * 1_000 * (why === 'retry' ? random.next() : 1));
      await orDie();
    };
    underWay += 1;
    const run = runStateMachine(definitions[name], input, runTask, { executionName: `execution-${nth}`, passTime });
    try {
      const execution = await Promise.race([run, death]);
      const end = execution ? `${execution.status} ${execution.error ?? ''} ${execution.cause ?? ''}` : 'DIED';
      onEnd(`${name} ${nth} ended: ${end}, by way of ${execution?.visited.join(' ')}`);
    } finally {
      underWay -= 1;
    }
  }

  return {
    isIdle: () => underWay === 0,
    start(name: WorkflowName, input: unknown): void {
      executions += 1;
      const nth = executions;
      const times = faults.strikeNth('workflow-repeated') ? 2 : 1;
      for (let index = 0; index < times; index += 1) {
        time.after(index * 700, () => void execute(name, input as Json, nth));
      }
    },
  };
}

/** What Step Functions reports when DynamoDB refuses a condition. */
export const conditionFailed = () =>
  new StateError('DynamoDB.ConditionalCheckFailedException', 'The conditional request failed');
