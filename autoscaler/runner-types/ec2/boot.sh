#!/bin/bash
# The life of a runner host: claim one ticket, run one job, end. The host's static user data: docker.sh (how it gets at
# images) and runner.sh (how it runs gitlab-runner) are put where they are named below, and the settings of the profile
# in front, by boot-script.ts. Needs bash >= 5.1, curl >= 7.86, coreutils >= 8.31, gzip and gitlab-runner (docker for
# its executor, docker-credential-ecr-login for registries of ECR, jq and systemd for a registry mirror).
#
# Round trips between power-on and the first jobs/request, each for a reason:
#   1 metadata  PUT api/token: IMDSv2 answers nobody without a session (link-local: under a millisecond, like 2 and 3)
#   2 metadata  GET instance id, role name (and region when not told): one process, one connection
#   3 metadata  GET the role's credentials: their path needs 2
#   4 DynamoDB  DeleteItem: the token, handed over once; again every half second while the ticket is not there yet
#   5 GitLab    POST jobs/request, by gitlab-runner, about 0.1 s after its start
# Only for a profile with a secret for its registries, and at the same time as 4: Secrets Manager GetSecretValue. The
# look whether docker answers is made at that time too, and delays nothing where it does. Left out on purpose: packages
# and downloads (the AMI has them), the AWS CLI, registration (run-single needs none), a look for a spot interruption
# before the runner runs, and the log's agent, which starts when the runner has asked for its first job.
#
# The token is in this process, for a moment in a file in memory, and in the runner; never in an argument, an
# environment or a log. A job of the docker executor is kept off the metadata service by the hop limit of 1. A job of
# the shell executor (or a privileged one) reaches it, and with it the role, which therefore may do nothing but delete
# its own ticket, add to the hosts' log, and what its profile wants every job to be able to do.
#
# Whatever happens, the host ends: by the EXIT trap, and by the guard when this process hangs or is killed. Nothing here
# may wait without a limit. The last line says why: `event=end reason=REASON [key=value]...`.
set -Eeuo pipefail
umask 077

# `read -t` on a pipe that nobody writes to sleeps without a process.
exec {never}<> <(:)
pause() { read -rt "$1" -u "$never" || :; }

folder_name=runner-host-$$-$SRANDOM
life_seconds=$((${boot_hook_seconds:-0} + ${claim_seconds:-0} + ${held_seconds:-0} + ${wait_timeout_seconds:-0} + ${long_poll_seconds:-0} + \
  ${maximum_job_seconds:-0} + ${margin_seconds:-900}))

# Outlives this script: ends the host when the script is dead without having ended it, or far too late.
guard() {
  set +e
  trap '' HUP INT TERM
  until ((SECONDS > life_seconds + 2 * ${stop_grace_seconds:-60})) || ! kill -0 $$ 2>/dev/null; do pause 2; done
  kill -KILL $$ 2>/dev/null
  rm -rf /dev/shm/"$folder_name" /run/"$folder_name"
  TZ=UTC printf 'time=%(%FT%TZ)T deployment=%s event=end reason=boot-script-gone\n' -1 "${deployment-}"
  until shutdown -h now; do pause 5; done
}
guard &
guard_pid=$!

# boot-script.ts compresses what follows: user data ends at 16 KiB.
# ---- compressed ----
: "${deployment:?}" "${tickets_table:?}" "${role_id:?}" "${region?}" "${gitlab_url:?}" "${executor:?}" "${runner_settings?}" "${boot_hook?}"
: "${ca_certificates?}" "${docker_config?}" "${docker_host?}" "${registry_secret?}" "${registry_mirror?}"
: "${log_group?}" "${log_prefix?}" "${docker_seconds:?}"
: "${wait_timeout_seconds:?}" "${claim_seconds:?}" "${maximum_job_seconds:?}" "${long_poll_seconds:?}"
: "${held_seconds:?}" "${boot_hook_seconds:?}" "${spot_check_seconds:?}" "${stop_grace_seconds:?}" "${margin_seconds:?}"

# One line `time=... event=... key=value...` to the console and to cloud-init's log.
# A disk that is full where the log goes must not end the job.
say() { TZ=UTC printf 'time=%(%FT%TZ)T deployment=%s instance=%s event=%s\n' -1 "$deployment" "$instance" "$*" || :; }

# Ends the host with a reason: `end REASON [key=value]...`
end() { reason=$*; exit 0; }

# A runner is stopped between two lines of its log, never within one.
# shellcheck disable=SC2329 # by way of a trap
terminate() { if [[ $runner ]]; then stop_for=terminated; else end terminated; fi; }

# shellcheck disable=SC2329 # by way of a trap
finish() {
  set +e
  trap - ERR
  trap '' HUP INT TERM
  if [[ $runner ]]; then
    # Only after an error of this script; half a second is fifty times what a runner needs to report its job as
    # interrupted.
    kill -TERM "$runner" 2>/dev/null && pause 0.5
    kill -KILL "$runner" 2>/dev/null
    relay_rest
  fi
  [[ $folder ]] && rm -f "$folder"/config.toml "$folder"/docker.json
  unregister
  start_log_agent
  say end "reason=$reason"
  wait_for_log
  [[ $folder ]] && rm -rf "$folder"
  timeout --kill-after 5 30 shutdown -h now && kill -KILL "$guard_pid"
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

# A signed call: `call_aws SERVICE REGION TARGET JSON-VERSION INPUT`. Prints the answer, and its status in a line of its
# own.
call_aws() {
  local suffix='' own=AWS_ENDPOINT_URL_${1/smanager/s_manager} endpoint
  own=${own^^}
  [[ $2 != cn-* ]] || suffix=.cn
  endpoint=${!own:-${AWS_ENDPOINT_URL:-https://$1.$2.amazonaws.com$suffix}}
  printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' "$access_key" "$secret_key" "$session_token" |
    curl -q -sS -K - --max-time 5 --aws-sigv4 "aws:amz:$2:$1" -w '\n%{http_code}' --data "$5" \
      -H "content-type: application/x-amz-json-$4" -H "x-amz-target: $3" "${endpoint%/}/" || printf '\n000'
}

# Takes the ticket: DeleteItem with the old item, so that a second reader gets nothing. Sets token and job. An answer
# that is lost on the way is a lost ticket: then nothing is claimed here, and the reconciler replaces the host. A ticket
# that says `held` has no token: it is not this host's turn, whose ticket comes later.
claim_ticket() {
  local answer status error='' uptime wait=0.5 seldom=$life_seconds
  local request='{"TableName":"%s","Key":{"id":{"S":"%s"}},"ReturnValues":"ALL_OLD"}'
  # shellcheck disable=SC2059 # the format is the constant above
  printf -v request "$request" "$tickets_table" "$role_id:$instance" # as IAM calls us: no other key is allowed to us
  while :; do
    answer=$(call_aws dynamodb "$region" DynamoDB_20120810.DeleteItem 1.0 "$request")
    status=${answer##*$'\n'}
    token=$(json_string token "$answer") job=$(json_string job "$answer") mode=$(json_string mode "$answer")
    [[ -z $token ]] || break
    if [[ $mode == held ]]; then
      say held "job=$job"
      claim_seconds=$((SECONDS + held_seconds)) wait=1 seldom=$((SECONDS + 60))
    fi
    ((SECONDS < seldom)) || wait=3
    if [[ $status != 200 ]]; then
      # Once, and the error's type only: the text of a signature error repeats the request with the session token.
      [[ $status == "$error" ]] || say claim-refused "status=$status type=$(json_string __type "$answer")"
      error=$status
      read_credentials || :
    fi
    if ((SECONDS >= claim_seconds)); then
      [[ $status == 200 ]] || end claim-refused "status=$status"
      end no-ticket
    fi
    # While there is no ticket, none is lost.
    [[ -z $docker_look ]] || kill -0 "$docker_look" 2>/dev/null || require_docker
    pause "$wait"
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

# A runner that cannot write takes jobs all the same, and drops them without a word to GitLab.
check_disk() {
  local place
  local -a places=("$HOME" "${TMPDIR:-/tmp}")
  for place in "${places[@]}"; do
    printf '%65536s' '' 2>/dev/null >"$place/$folder_name" || end disk-full "place=$place"
  done
  rm -f "${places[@]/%//$folder_name}" || :
}

# ---- docker.sh ----
# ---- runner.sh ----

# Removes our runner from GitLab with its own token, of a long-lived runner only this host; best effort, the control
# plane does it too. One that had a job is left to the control plane: GitLab forgets with a runner which one had a job,
# often before it writes the hook.
unregister() {
  local status path=runners whom=''
  if [[ $mode == manager ]]; then path=runners/managers whom="&system_id=$system_id"; fi
  [[ -z $taken ]] || token=''
  [[ $token ]] || return 0
  local -a trust=()
  [[ -z $ca_certificates ]] || trust=(--cacert "$folder/ca.pem")
  status=$(printf 'data = "token=%s%s"\n' "$token" "$whom" |
    curl -q -sS -K - --max-time 5 "${trust[@]}" -X DELETE -o /dev/null -w '%{http_code}' "${gitlab_url%/}/api/v4/$path") || :
  token=''
  say unregistered "status=$status"
}

# Hands the host's log to the CloudWatch agent, where the AMI has one; in the background, and without it nothing is
# missing.
start_log_agent() {
  [[ $log_group && $folder && $instance && -z $log_agent ]] || return 0
  command -v amazon-cloudwatch-agent-ctl >/dev/null || return 0
  local file='{"file_path":"/var/log/cloud-init-output.log","log_group_name":"%s","log_stream_name":"%s"}'
  # shellcheck disable=SC2059 # the format is the constant above
  printf -v file "$file" "$log_group" "$log_prefix$instance"
  printf '{"logs":{"force_flush_interval":1,"logs_collected":{"files":{"collect_list":[%s]}}}}\n' "$file" \
    >"$folder/log-agent.json" || return 0
  # Appended, since an AMI may have settings of its own.
  timeout --kill-after 5 30 amazon-cloudwatch-agent-ctl -a append-config -m ec2 -s -c "file:$folder/log-agent.json" \
    >/dev/null 2>&1 </dev/null &
  log_agent=$!
  log_agent_at=$SECONDS
}

# An agent sends what it sees after a second; one that was started for the last lines must have begun to look.
# shellcheck disable=SC2329 # by way of a trap
wait_for_log() {
  [[ $log_agent ]] || return 0
  wait "$log_agent" || return 0
  pause 2
  if ((SECONDS - log_agent_at < 10)); then pause 3; fi
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
  timeout --kill-after 5 "$boot_hook_seconds" bash -ec $'umask 022\n'"$boot_hook" </dev/null {never}<&- || status=$?
  say boot-hook "status=$status after=${SECONDS}s"
  ((status == 0)) || end boot-hook-failed "status=$status"
  ((claim_seconds += SECONDS)) # its time is not the ticket's
}

main() {
  local registries='' status=0
  trim_environment
  make_folder
  check_disk
  open_session
  # A role's credentials may come a moment after the host.
  until read_identity && read_credentials; do
    ((SECONDS < claim_seconds)) || end no-role-credentials
    pause 1
  done
  use_registry_mirror
  run_boot_hook
  if [[ $docker_config ]]; then
    export AWS_ECR_CACHE_DIR=$folder/ecr # where its helper would else leave tokens on the disk
    write_docker_config &
    registries=$!
  fi
  if [[ $executor == docker ]]; then
    await_docker </dev/null >/dev/null 2>&1 &
    docker_look=$!
  fi
  claim_ticket
  if [[ $registries ]]; then
    wait "$registries" || status=$?
    case $status in
      0) ;;
      10) end registry-secret-refused ;;
      11) end registry-secret-unusable ;;
      *) end docker-config-failed "status=$status" ;;
    esac
  fi
  write_config
  require_docker
  start_runner
  follow_runner
  wait "$runner" || status=$?
  runner=''
  if ((kill_at)); then end "$reason" ${taken:+"job=$taken" "outcome=$outcome"}; fi
  if [[ $taken ]]; then end job-over "job=$taken" "outcome=$outcome"; fi
  # The runner asks every three seconds, and ends as quietly when GitLab never answered.
  if ((status == 0 && refused_at && SECONDS - refused_at < 10)); then end gitlab-unreachable; fi
  if ((status == 0)); then end no-job; fi
  end runner-failed "status=$status"
}

imds=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}
imds=${imds%/} data=${imds%/}/latest/meta-data
instance='' role='' session='' access_key='' secret_key='' session_token='' token='' job='' mode='' system_id='' quit=''
folder='' runner='' docker_look='' stop_for=''
reason=script-error taken='' outcome='' kill_at=0 stop_at=0 stop_docker_at=0 refused_at=0 log_agent='' log_agent_at=0
trap finish EXIT
trap 'reason="script-error line=$LINENO"' ERR
trap terminate HUP INT TERM
main
