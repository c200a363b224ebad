/** `$$`, `$5`, `$NAME`, `${NAME}`, and a brace that nothing closes or that nothing is in. */
const reference = /\$(?:([*#$@!?0-9-])|(\w+)|\{([^}]*)\}|(\{))/g;

/**
 * Replaces references as the released binary does by Go's `os.Expand`: `$$` becomes `$`, what is no variable becomes
 * nothing, and a dollar sign that no name follows stays.
 * Source: https://pkg.go.dev/os#Expand
 */
export function expandReferences(text: string, lookUp: (name: string) => string | undefined): string {
  return text.replace(reference, (_, sign?: string, bare?: string, braced?: string) => {
    const name = sign ?? bare ?? braced ?? '';
    return name === '$' ? '$' : (lookUp(name) ?? '');
  });
}
