/** Tag with the profile's name, on instance, volume and network interface. */
export const profileTag = 'gitlab-runners-on-demand:profile';

/** Tag with the id of the CreateFleet call that an instance came from. */
export const launchGroupTag = 'gitlab-runners-on-demand:launch-group';

/** Tag by which a person holds an instance back, to look into it: the reconciler leaves it alone and reports it. Any value. */
export const holdTag = 'gitlab-runners-on-demand:hold';
