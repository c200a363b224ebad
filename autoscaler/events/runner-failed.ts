/**
 * `DetailType` on the bus: an attempt to give a job a runner failed; `detail` is what the AbandonRunner workflow takes.
 */
export const runnerFailedType = 'Runner Failed';
