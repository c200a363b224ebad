import { expect, it } from 'vitest';
import { expandReferences } from '../../../helper-scripts/local-runner/expand-references.ts';

const braced = (name: string) => `$\{${name}}`;
const variables: Readonly<Record<string, string>> = { NAME: 'value', 'odd-name': 'odd' };

/** The first four were seen with gitlab-runner 19.3.0, the others follow from Go's `os.Expand`. */
it.each([
  ['/opt/x:$PATH', '/opt/x:'],
  ['$HOME/x', '/x'],
  ['cost $5 x', 'cost  x'],
  ['a $$ sign', 'a $ sign'],
  [`$NAME and ${braced('NAME')}s`, 'value and values'],
  [braced('odd-name'), 'odd'],
  ['$NAMES', ''],
  ['ends with $', 'ends with $'],
  ['$ 5 and $. stay', '$ 5 and $. stay'],
  [`${braced('')} and $@ go`, ' and  go'],
  [braced('NAME is not closed').slice(0, -1), 'NAME is not closed'],
])('%s becomes "%s"', (text, expanded) => {
  expect(expandReferences(text, (name) => variables[name])).toBe(expanded);
});
