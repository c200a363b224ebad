/** The subsystems, in the order in which they are deployed. */
export const appNames = ['infrastructure', 'lambda-shell-runner', 'ec2-runner-ami', 'autoscaler'] as const;
export type AppName = (typeof appNames)[number];

/**
 * Name of an SSM parameter by which one app tells the others a value: `/<deployment>/<app>/<key>`. The deployment's
 * name is the prefix, so several deployments live in one account.
 */
export function parameterNameOf(deployment: string, app: AppName, key: string): string {
  return `/${deployment}/${app}/${key}`;
}
