#!/usr/bin/env bash
# @stryker-mutator/core 10.1.1 beside typescript 7.0.2, in a project with a tsconfig.json.
#
# Expected: a mutation run, as with typescript 6, or a word about which TypeScript is supported.
# Seen: Stryker loads whatever package is called "typescript" to rewrite the tsconfig.json of its sandbox, and the package
# of TypeScript 7 has no such API. The run ends before the first test, with exit code 1 and
#   TypeError: ts.parseConfigFileTextToJson is not a function
# With `tsconfigFile` set to a name that does not exist, the same project runs to its end.
#
# Exits with 0 as long as that is so. Needs npm and Node >= 22.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >package.json <<'JSON'
{ "name": "sample", "version": "1.0.0", "type": "module", "private": true }
JSON
npm install --no-audit --no-fund --loglevel=error @stryker-mutator/core@10.1.1 typescript@7.0.2 >/dev/null

echo '{ "compilerOptions": { "strict": true } }' >tsconfig.json
echo 'export const isEven = (number) => number % 2 === 0;' >even.js
cat >check.js <<'JS'
import assert from 'node:assert/strict';
import { isEven } from './even.js';
assert.equal(isEven(4), true);
assert.equal(isEven(5), false);
JS

stryker() {
  cat >stryker.config.json <<JSON
{
  "testRunner": "command",
  "commandRunner": { "command": "node check.js" },
  "mutate": ["even.js"],
  "reporters": ["clear-text"],
  "concurrency": 1
  $1
}
JSON
  npx stryker run 2>&1
}

failed=0
with=$(stryker '') || failed=$?
without=$(stryker ', "tsconfigFile": "there-is-none.json"')

echo "with its tsconfig.json: exit code $failed, $(grep -o -m 1 'TypeError: .*' <<<"$with")"
echo "with another name for it: $(grep -o -m 1 'Done in .*\|Ran .*' <<<"$without" || tail -n 1 <<<"$without")"

[[ $failed != 0 ]]
grep -q 'ts.parseConfigFileTextToJson is not a function' <<<"$with"
grep -q 'All files' <<<"$without"
