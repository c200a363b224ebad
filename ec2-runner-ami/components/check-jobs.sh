#!/bin/bash
# On an instance that was started from the image: gitlab-runner runs a job with each executor, as a host's boot script has it do. The
# job comes from a stub of GitLab on this instance, and nothing is downloaded. Without a success here no image is published.
set -euo pipefail
: "${files:?}" "${executors:?}" "${helper_image:?}"

work=$(mktemp -d)
stub=''
# shellcheck disable=SC2329 # by way of a trap
finish() {
  [[ -z $stub ]] || kill "$stub" 2>/dev/null || :
  rm -rf "$work" "$files"
}
trap finish EXIT
export HOME=${HOME:-/root}
# A job of the shell executor sees this file of the host; one in a container does not.
touch "$work/on-the-host"

write_config() {
  local executor=$1 folder=$2
  {
    printf 'concurrent = 1\n[[runners]]\nname = "check"\nurl = "%s"\n' "http://127.0.0.1:$(<"$folder/port")"
    printf 'token = "glrt-fake-check"\nexecutor = "%s"\n' "$executor"
    case $executor in
      shell) printf 'shell = "bash"\nbuilds_dir = "%s"\ncache_dir = "%s"\n' "$folder/builds" "$folder/cache" ;;
      # `never` is for the runner's own helper image too: another name than the one that was pulled ends the job.
      docker) printf '[runners.docker]\nimage = "%s"\npull_policy = ["never"]\ndisable_cache = true\n' "$helper_image" ;;
    esac
  } >"$folder/config.toml"
}

check() {
  local executor=$1 folder=$work/$1 command="[ -e '$work/on-the-host' ]" state=none attempt
  [[ $executor == shell ]] || command="[ ! -e '$work/on-the-host' ]"
  mkdir "$folder"
  python3 "$files/stub-gitlab.py" "$folder" "$helper_image" "$command" &
  stub=$!
  for ((attempt = 0; attempt < 300; attempt++)); do
    [[ ! -s $folder/port ]] || break
    sleep 0.1
  done
  write_config "$executor" "$folder"
  timeout --kill-after 10 300 gitlab-runner --log-format json run-single -c "$folder/config.toml" -r check \
    --max-builds 1 --wait-timeout 30 </dev/null || :
  kill "$stub" 2>/dev/null || :
  wait "$stub" 2>/dev/null || :
  stub=''
  [[ ! -s $folder/state ]] || state=$(<"$folder/state")
  if [[ $state == success ]] && grep --quiet 'sum=42' "$folder/trace"; then
    echo "$executor: the job succeeded"
  else
    echo "$executor: the job's state is $state; its log:" >&2
    [[ ! -e $folder/trace ]] || cat "$folder/trace" >&2
    return 1
  fi
}

for executor in $executors; do check "$executor"; done
