import { resolve } from 'node:path';

/** The local run is of this checkout. */
export const repository = resolve(import.meta.dirname, '../..');
export const account = '000000000000';
export const region = 'eu-west-1';
/** The deployment's name. */
export const deployment = 'local';
/** Obviously no secret: the local GitLab lives as long as this process and listens on loopback only. */
export const gitlabAccessToken = 'not-a-real-token-of-the-local-gitlab';
