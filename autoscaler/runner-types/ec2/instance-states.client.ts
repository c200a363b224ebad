import { DescribeInstancesCommand, EC2Client, EC2ServiceException } from '@aws-sdk/client-ec2';

/** From each of these an instance never comes back; ours are never stopped to be started again. */
const endStates = ['shutting-down', 'terminated'];

export type InstanceStates = {
  /**
   * Whether an instance has ended, or is ending. One that was launched a moment ago may be unknown yet, and then counts
   * as gone.
   */
  isGone(instanceId: string): Promise<boolean>;
  /**
   * Why EC2 says that an instance is as it is, such as `Client.InternalError: Client error on launch`; null when it
   * says nothing.
   */
  stateReasonOf(instanceId: string): Promise<string | null>;
};

/** EC2, as the environment addresses it. */
export function createInstanceStates(ec2 = new EC2Client({ maxAttempts: 4 })): InstanceStates {
  const describe = async (instanceId: string) => {
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
    return Reservations.flatMap(({ Instances = [] }) => Instances);
  };
  return {
    async stateReasonOf(instanceId) {
      const [instance] = await describe(instanceId);
      const { Code: code = '', Message: message = '' } = instance?.StateReason ?? {};
      if (code === '' || message.startsWith(code)) return message || null;
      return `${code}: ${message}`;
    },
    async isGone(instanceId) {
      try {
        const states = (await describe(instanceId)).map(({ State }) => State?.Name ?? '');
        return states.every((state) => endStates.includes(state));
      } catch (error) {
        // An hour after its end EC2 has forgotten it.
        if (error instanceof EC2ServiceException && error.name === 'InvalidInstanceID.NotFound') return true;
        throw error;
      }
    },
  };
}
