const reference = /\$\$|\$\{(\w+)\}|\$(\w+)/g;

/** Replaces `$NAME` and `${NAME}`; `$$` is a dollar sign, an unknown name is empty, as in GitLab. */
export function expandVariables(text: string, lookUp: (name: string) => string | undefined): string {
  return text.replace(reference, (match, braced?: string, bare?: string) =>
    match === '$$' ? '$' : (lookUp(braced ?? bare ?? '') ?? ''),
  );
}
