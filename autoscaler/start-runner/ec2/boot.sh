#!/bin/bash
# The life of a runner host: claim one ticket, run one job, end. The host's static user data; the settings of its profile
# are put in front by boot-script.ts. Needs bash >= 5.1, curl >= 7.86, coreutils and gitlab-runner (and docker for that executor).
#
# Round trips between power-on and the first jobs/request, each for a reason:
#   1 metadata  PUT api/token: IMDSv2 answers nobody without a session (link-local: under a millisecond, like 2 and 3)
#   2 metadata  GET instance id, role name (and region when not told): one process, one connection
#   3 metadata  GET the role's credentials: their path needs 2
#   4 DynamoDB  DeleteItem: the token, handed over once; again every half second while the ticket is not there yet
#   5 GitLab    POST jobs/request, by gitlab-runner, about 0.1 s after its start
# Left out on purpose: packages and downloads (the AMI has them), the AWS CLI, registration (run-single needs none), waiting
# for docker (its socket is there first), and a look for a spot interruption before the runner runs.
#
# The token is in this process, for a moment in a file in memory, and in the runner; never in an argument, an environment or
# a log. A job of the docker executor is kept off the metadata service by the hop limit of 1. A job of the shell executor
# (or a privileged one) reaches it, and with it the role, which therefore may do nothing but delete tickets, and what its profile
# wants every job to be able to do.
#
# Whatever happens, the host ends: by the EXIT trap, and by the guard when this process hangs or is killed. Nothing here
# may wait without a limit.
set -Eeuo pipefail
umask 077

: "${deployment:?}" "${tickets_table:?}" "${region?}" "${gitlab_url:?}" "${executor:?}" "${runner_settings?}" "${boot_hook?}"
: "${boot_hook_seconds:?}"
: "${wait_timeout_seconds:?}" "${claim_seconds:?}" "${maximum_job_seconds:?}" "${long_poll_seconds:?}"
: "${spot_check_seconds:?}" "${stop_grace_seconds:?}" "${margin_seconds:?}"
life_seconds=$((boot_hook_seconds + claim_seconds + wait_timeout_seconds + long_poll_seconds + maximum_job_seconds + margin_seconds))

# `read -t` on a pipe that nobody writes to sleeps without a process.
exec {never}<> <(:)
pause() { read -rt "$1" -u "$never" || :; }

folder_name=runner-host-$$-$SRANDOM

# Outlives this script: ends the host when the script is dead without having ended it, or far too late.
guard() {
  set +e
  trap '' HUP INT TERM
  until ((SECONDS > life_seconds + 2 * stop_grace_seconds)) || ! kill -0 $$ 2>/dev/null; do pause 2; done
  kill -KILL $$ 2>/dev/null
  rm -rf /dev/shm/"$folder_name" /run/"$folder_name"
  printf 'event=end reason=boot-script-gone\n'
  until shutdown -h now; do pause 5; done
}
guard &
guard_pid=$!

# One line `time=... event=... key=value...` to the console and to cloud-init's log.
say() { TZ=UTC printf 'time=%(%FT%TZ)T deployment=%s instance=%s event=%s\n' -1 "$deployment" "$instance" "$*"; }

# Ends the host with a reason: `end REASON [key=value]...`
end() { reason=$*; exit 0; }

# shellcheck disable=SC2329 # by way of a trap
terminate() { if [[ $runner ]]; then stop_runner "$stop_grace_seconds" terminated; else end terminated; fi; }

# shellcheck disable=SC2329 # by way of a trap
finish() {
  set +e
  trap - ERR
  trap '' HUP INT TERM
  if [[ $runner ]]; then
    # Only after an error of this script; half a second is fifty times what a runner needs to report its job as interrupted.
    kill -TERM "$runner" 2>/dev/null && pause 0.5
    kill -KILL "$runner" 2>/dev/null
    relay_rest
  fi
  [[ $folder ]] && rm -rf "$folder"
  unregister
  say end "reason=$reason"
  shutdown -h now && kill -KILL "$guard_pid"
}

# GET of metadata paths, one line per answer; the session goes to curl by its standard input, as every secret does.
metadata() {
  printf 'header = "x-aws-ec2-metadata-token: %s"\n' "$session" |
    curl -q -sS -K - --noproxy '*' --max-time 2 -w '\n' "$@"
}

open_session() {
  session=$(curl -q -sS --fail --noproxy '*' --retry 5 --retry-delay 1 --retry-connrefused --max-time 2 \
    -X PUT -H 'x-aws-ec2-metadata-token-ttl-seconds: 21600' "$imds/latest/api/token")
}

# Sets instance, role and region. Several URLs in one curl share its process and connection.
read_identity() {
  local -a answers urls=("$data/instance-id" "$data/iam/security-credentials/")
  [[ $region ]] || urls+=("$data/placement/region")
  mapfile -t answers < <(metadata --fail "${urls[@]}")
  instance=${answers[0]-} role=${answers[1]-} region=${region:-${answers[2]-}}
  [[ $instance =~ ^i-[0-9a-f]+$ && $role && $region ]]
}

# The value of a JSON text's string "NAME": "..."; enough for answers without escapes, which those here are.
json_string() {
  local pattern="\"$1\"[[:space:]]*:[[:space:]]*(\\{[[:space:]]*\"S\"[[:space:]]*:[[:space:]]*)?\"([^\"\\\\]*)\""
  if [[ $2 =~ $pattern ]]; then printf '%s' "${BASH_REMATCH[2]}"; fi
}

read_credentials() {
  local answer
  answer=$(metadata --fail "$data/iam/security-credentials/$role") || return
  access_key=$(json_string AccessKeyId "$answer")
  secret_key=$(json_string SecretAccessKey "$answer")
  session_token=$(json_string Token "$answer")
  [[ $access_key && $secret_key ]]
}

# Takes the ticket: DeleteItem with the old item, so that a second reader gets nothing. Sets token and job. An answer that is
# lost on the way is a lost ticket: then nothing is claimed here, and the reconciler replaces the host.
claim_ticket() {
  local endpoint=${AWS_ENDPOINT_URL_DYNAMODB:-${AWS_ENDPOINT_URL:-}} suffix='' answer status error='' uptime
  [[ $region != cn-* ]] || suffix=.cn
  endpoint=${endpoint:-https://dynamodb.$region.amazonaws.com$suffix}
  local request='{"TableName":"%s","Key":{"id":{"S":"%s"}},"ReturnValues":"ALL_OLD"}'
  # shellcheck disable=SC2059 # the format is the constant above
  printf -v request "$request" "$tickets_table" "$instance"
  while :; do
    answer=$(printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' "$access_key" "$secret_key" "$session_token" |
      curl -q -sS -K - --max-time 5 --aws-sigv4 "aws:amz:$region:dynamodb" -w '\n%{http_code}' --data "$request" \
        -H 'content-type: application/x-amz-json-1.0' -H 'x-amz-target: DynamoDB_20120810.DeleteItem' "${endpoint%/}/") ||
      answer=$'\n000'
    status=${answer##*$'\n'}
    token=$(json_string token "$answer") job=$(json_string job "$answer") mode=$(json_string mode "$answer")
    [[ -z $token ]] || break
    if [[ $status != 200 ]]; then
      # Once, and the error's type only: the text of a signature error repeats the request with the session token.
      [[ $status == "$error" ]] || say claim-refused "status=$status type=$(json_string __type "$answer")"
      error=$status
      read_credentials || :
    fi
    ((SECONDS < claim_seconds)) || end no-ticket
    pause 0.5
  done
  if [[ ! $token =~ ^[A-Za-z0-9._-]+$ ]]; then token=''; end malformed-ticket; fi
  read -r uptime _ </proc/uptime || :
  say claimed "job=$job after=${SECONDS}s uptime=${uptime}s"
}

# A folder of our own in memory; a token must not reach a disk, whose snapshots outlive the host.
make_folder() {
  local place
  for place in /dev/shm /run; do
    [[ $(stat -f -c %T "$place" 2>/dev/null) =~ ^(tmpfs|ramfs)$ ]] || continue
    folder=$place/$folder_name
    mkdir -m 700 "$folder"
    return
  done
  end no-memory-backed-folder
}

toml() { local value=${1//\\/\\\\}; printf '"%s"' "${value//\"/\\\"}"; }

write_config() {
  local id=000000000000${instance#i-}
  # Without this file hosts of one AMI would share the id that gitlab-runner derives from /etc/machine-id.
  system_id=s_${id: -12}
  printf '%s' "$system_id" >"$folder/.runner_system_id"
  {
    printf 'concurrent = 1\n[[runners]]\nname = "%s"\nurl = %s\n' "$instance" "$(toml "$gitlab_url")"
    printf 'token = "%s"\nexecutor = "%s"\n' "$token" "$executor"
    if [[ $executor == shell ]]; then
      printf 'shell = "bash"\nbuilds_dir = %s\ncache_dir = %s\n' "$(toml "$HOME/builds")" "$(toml "$HOME/cache")"
    fi
    printf '%s\n' "$runner_settings" # last: it ends with tables
  } >"$folder/config.toml"
}

start_runner() {
  exec {log}< <(exec gitlab-runner --log-format json run-single -c "$folder/config.toml" -r "$instance" \
    --max-builds 1 --wait-timeout "$wait_timeout_seconds" 2>&1 </dev/null {never}<&-)
  runner=$!
  stop_at=$((SECONDS + wait_timeout_seconds + long_poll_seconds))
}

# Asks the runner to stop, and makes it stop after so many seconds: `stop_runner SECONDS REASON`. The first reason counts.
stop_runner() {
  ((kill_at)) && return
  kill_at=$((SECONDS + $1)) reason=$2
  say stopping "reason=$reason"
  kill -TERM "$runner" 2>/dev/null || :
}

# Lets the runner finish what it has or is being given, and ask for no other job. Once only: a second signal would abort the job.
last_job() {
  [[ -z $quit ]] || return 0
  quit=1
  kill -QUIT "$runner" 2>/dev/null || :
}

# Acts on one line of the runner's log; its exit code says nothing about the job.
heed() {
  printf '%s\n' "$1"
  case $1 in
    # The config and the id beside it have been read (the runner says this after both), so the token's file can go.
    *'"msg":"Starting runner for'*) rm -f "$folder/config.toml" ;;
    *'"msg":"Checking for jobs... received"'*)
      outcome=unknown stop_at=$((SECONDS + maximum_job_seconds + margin_seconds))
      if [[ $1 =~ \"job\":([0-9]+) ]]; then taken=${BASH_REMATCH[1]}; fi
      # A job that is canceled before it starts does not count as the one build. Another one, of a runner that lives on, could be
      # handed out while this host is terminated: SIGQUIT lets the runner finish this job and ask for no other.
      [[ $mode != manager ]] || last_job
      # Handed out while we were stopping an idle runner: it must have the time to report the job as failed.
      if ((kill_at)); then kill_at=$((SECONDS + stop_grace_seconds)); fi
      ;;
    *'"msg":"Job succeeded'*) outcome=succeeded ;;
    *'"msg":"Job failed'*) outcome=failed ;;
    # GitLab refuses the token: the runner would now sleep for 300 s without a word.
    *'"msg":"Runner is not healthy'*) stop_runner 5 runner-refused ;;
  esac
}

# shellcheck disable=SC2329 # by way of a trap
relay_rest() {
  local text until=$((SECONDS + 5))
  while ((SECONDS < until)) && { IFS= read -rt 0.5 -u "$log" text || [[ $text ]]; }; do printf '%s\n' "$text"; done
}

look_for_interruption() {
  local status
  status=$(metadata -o /dev/null -w '%{http_code}' "$data/spot/instance-action" 2>/dev/null) || :
  case $status in
    200) stop_runner "$stop_grace_seconds" spot-interruption ;;
    401) open_session 2>/dev/null || : ;;
  esac
}

# Follows the runner until its log ends. Every second at most: is it time to stop it, to kill it, to look for an interruption?
follow_runner() {
  local text line='' look_at=0 forget_at=$((SECONDS + 30))
  while :; do
    if IFS= read -rt 1 -u "$log" text; then
      heed "$line$text"
      line=''
    elif (($? > 128)); then
      line+=$text
      kill -0 "$runner" 2>/dev/null || break # gone, though something holds its log open
    else
      [[ -z $line$text ]] || heed "$line$text"
      break
    fi
    if ((kill_at && SECONDS >= kill_at)); then
      kill -KILL "$runner" 2>/dev/null || :
    elif ((SECONDS >= stop_at && kill_at == 0)); then
      if [[ $taken ]]; then
        stop_runner "$stop_grace_seconds" too-late
      elif [[ $mode == manager && -z $quit ]]; then
        last_job # a runner that lives on is given jobs until this host stops asking
        stop_at=$((SECONDS + long_poll_seconds))
      else
        unregister # first, so that GitLab hands it no job while it stops
        stop_runner 2 no-job
      fi
    fi
    if ((SECONDS >= forget_at)); then # whatever the runner says, it has read its config by now
      forget_at=$life_seconds
      rm -f "$folder/config.toml"
    fi
    if ((SECONDS >= look_at)); then
      look_at=$((SECONDS + spot_check_seconds))
      look_for_interruption
    fi
  done
}

# Removes our runner from GitLab with its own token; best effort, the control plane does it too. Of a long-lived runner only this
# host is removed, and not when it had a job: GitLab would forget which host that was, before the control plane has asked.
unregister() {
  local status path=runners whom=''
  if [[ $mode == manager ]]; then
    [[ -z $taken ]] || token=''
    path=runners/managers whom="&system_id=$system_id"
  fi
  [[ $token ]] || return 0
  status=$(printf 'data = "token=%s%s"\n' "$token" "$whom" |
    curl -q -sS -K - --max-time 5 -X DELETE -o /dev/null -w '%{http_code}' "${gitlab_url%/}/api/v4/$path") || :
  token=''
  say unregistered "status=$status"
}

# Children see these variables and no others.
trim_environment() {
  local name
  export HOME=${HOME:-/root} LANG=C.UTF-8
  while read -r name; do
    case $name in
      PATH | HOME | USER | LANG | TMPDIR | DOCKER_HOST | SSL_CERT_FILE | SSL_CERT_DIR) ;;
      HTTP_PROXY | HTTPS_PROXY | NO_PROXY | http_proxy | https_proxy | no_proxy) ;;
      *) export -n "${name?}" ;;
    esac
  done < <(compgen -e)
}

# The profile's own script, until its first command that fails. The token is not here yet.
run_boot_hook() {
  local status=0
  [[ $boot_hook ]] || return 0
  timeout --kill-after 5 "$boot_hook_seconds" bash -ec $'umask 022\n'"$boot_hook" </dev/null || status=$?
  say boot-hook "status=$status after=${SECONDS}s"
  ((status == 0)) || end boot-hook-failed "status=$status"
  ((claim_seconds += SECONDS)) # its time is not the ticket's
}

main() {
  trim_environment
  make_folder
  open_session
  # A role's credentials may come a moment after the host.
  until read_identity && read_credentials; do
    ((SECONDS < claim_seconds)) || end no-role-credentials
    pause 1
  done
  run_boot_hook
  claim_ticket
  write_config
  start_runner
  follow_runner
  local status=0
  wait "$runner" || status=$?
  runner=''
  if ((kill_at)); then end "$reason" ${taken:+"job=$taken"}; fi
  if [[ $taken ]]; then end job-over "job=$taken" "outcome=$outcome"; fi
  if ((status == 0)); then end no-job; fi
  end runner-failed "status=$status"
}

imds=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}
imds=${imds%/} data=${imds%/}/latest/meta-data
instance='' role='' session='' access_key='' secret_key='' session_token='' token='' job='' mode='' system_id='' quit='' folder='' runner=''
reason=script-error taken='' outcome='' kill_at=0 stop_at=0
trap finish EXIT
trap 'reason="script-error line=$LINENO"' ERR
trap terminate HUP INT TERM
main
