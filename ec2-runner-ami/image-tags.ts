/** Tag of everything that is an image of ours; its value says of which pipeline. */
export const imageTag = 'gitlab-runners-on-demand:image';

/** An AMI with this tag and the value `true` outlives the lifecycle policy: for whoever looks into an incident. */
export const keepTag = 'gitlab-runners-on-demand:keep';
