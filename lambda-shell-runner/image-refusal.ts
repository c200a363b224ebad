import type { ImageRule, LambdaRunnerPayload } from '../infrastructure/kit/runner-ticket.ts';

type Settings = Readonly<Record<string, unknown>>;

/**
 * The runner's settings, with which it refuses jobs that say `image:` and are mapped to no function: GitLab gives a job
 * to any runner that fits its tags, and here its script would run without its image. The job that the function was
 * started for goes on, whatever image it inherits. Before the script is the one place that is come by always: no
 * sources are fetched with `GIT_STRATEGY: none`. In a shell of its own, so that the job's has nothing of it.
 */
export function withImageRefusal(
  settings: Settings,
  { job, images }: Pick<LambdaRunnerPayload, 'job' | 'images'>,
): Settings {
  const rules = images?.rules ?? [];
  if (rules.length === 0) return settings;
  const { pre_build_script: own } = settings;
  return {
    ...settings,
    pre_build_script: [refusalScript(job.jobId, rules), ...(own === undefined ? [] : [own])].join('\n'),
  };
}

/** Its first line is what the job's log shows. */
function refusalScript(jobId: number, rules: readonly ImageRule[]): string {
  return `( # a function has no images: is the job mapped to it?
if [[ -z \${CI_JOB_IMAGE-} || \${CI_JOB_ID-} == ${jobId} ]]; then exit 0; fi
name=$CI_JOB_NAME
base=$name
if [[ $base == *']' ]]; then base=\${base%%: \\[*}; fi
if [[ $base =~ ^(.*)\\ [0-9]+/[0-9]+$ ]]; then base=\${BASH_REMATCH[1]}; fi
why=
${rules.map(branchOf).join('\n')}
fi
if [[ -z $why ]]; then exit 0; fi
echo "This job says image: $CI_JOB_IMAGE, which a Lambda function cannot give it: $why."
echo "GitLab gave it to the runner of another job with tags that fit. Give the profiles, or this job and its mapping, tags of their own; then retry it."
exit 1
) || exit 1`;
}

function branchOf({ name, refusal }: ImageRule, index: number): string {
  const isGlob = /[*?]/.test(name);
  const condition = isGlob ? `$base == ${globOf(name)}` : `$base == ${quoted(name)} || $name == ${quoted(name)}`;
  return `${index === 0 ? 'if' : 'elif'} [[ ${condition} ]]; then why=${refusal === null ? '' : quoted(refusal)}`;
}

/** A glob as bash knows it: all but its wildcards taken literally. */
function globOf(glob: string): string {
  return glob
    .split(/([*?])/)
    .map((part) => (part === '' || /^[*?]$/.test(part) ? part : quoted(part)))
    .join('');
}

/** A word that bash takes literally. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
