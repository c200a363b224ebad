/** An instance of this deployment that EC2 still has: on its way, running, or stopped. */
export type ListedInstance = {
  readonly instanceId: string;
  /** ISO 8601. */
  readonly launchedAt: string;
  readonly tags: Readonly<Record<string, string>>;
};

export type InstanceList = {
  /**
   * All instances that carry the deployment's tag, those of the last seconds maybe not yet; never those that end or
   * have ended.
   */
  listInstances(): Promise<readonly ListedInstance[]>;
};
