/**
 * Tag on every resource of a deployment, by which people and our own clean-up find them; its value is the deployment's
 * name.
 */
export const deploymentTag = 'gitlab-runners-on-demand:deployment';
