/** Errors of an attempt that no further one will change: a person must. The job's item says what. */
export const hopelessErrors = [
  'MappingNotAllowedError',
  'GitLabRefusedError',
  'InvalidInputError',
  'InvalidEnvironmentError',
  'PermanentLaunchError',
  'LongLivedRunnerError',
];
