/** Recordings that the stand-in is not held to, each with the reason. Everything else must behave as recorded. */
export const leftOutRecordings: Readonly<Record<string, string>> = {
  artifacts: 'the stand-in uploads no artifacts; it says so in the log of the job',
  'dependency-download': 'the stand-in downloads no artifacts',
  'lambda-works': 'uploads artifacts, and runs as a user without a passwd entry on a read-only disk',
  'lambda-no-home': 'needs a user without a passwd entry, which only root could become',
  'env-as-user': 'needs another user, which only root could become',
  'git-clone': 'most of its exchanges are those of git itself; the clone has a test of its own',
};
