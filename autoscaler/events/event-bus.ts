/** The deployment's bus. `type` is the event's `DetailType`. */
export type EventBus = { tell(type: string, detail: unknown): Promise<void> };
