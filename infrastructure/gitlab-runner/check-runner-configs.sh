#!/bin/bash
# Does this image's gitlab-runner take configurations like those that our runners write? It would ignore a key that it does
# not know, and end at a value of another type, for each job anew. They are the files `*.toml` in the folder `files`.
set -euo pipefail
: "${files:?}"
trap 'rm -rf "$files"' EXIT

commands=$(gitlab-runner --help)
if [[ $commands != *$'\n   lint '* ]]; then
  echo 'This gitlab-runner cannot check a configuration; that of 19.3 is the first.'
  exit
fi
for config in "$files"/*.toml; do gitlab-runner lint --config "$config"; done
