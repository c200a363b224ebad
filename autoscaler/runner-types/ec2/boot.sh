#!/bin/bash
# The life of a runner host: claim one ticket, run one job, end. The host's static user data; the settings of its profile
# are put in front by boot-script.ts. Needs bash >= 5.1, curl >= 7.86, coreutils >= 8.31, gzip and gitlab-runner (docker for
# its executor, docker-credential-ecr-login for registries of ECR, jq and systemd for a registry mirror).
#
# Round trips between power-on and the first jobs/request, each for a reason:
#   1 metadata  PUT api/token: IMDSv2 answers nobody without a session (link-local: under a millisecond, like 2 and 3)
#   2 metadata  GET instance id, role name (and region when not told): one process, one connection
#   3 metadata  GET the role's credentials: their path needs 2
#   4 DynamoDB  DeleteItem: the token, handed over once; again every half second while the ticket is not there yet
#   5 GitLab    POST jobs/request, by gitlab-runner, about 0.1 s after its start
# Only for a profile with a secret for its registries, and at the same time as 4: Secrets Manager GetSecretValue. The look
# whether docker answers is made at that time too, and delays nothing where it does.
# Left out on purpose: packages and downloads (the AMI has them), the AWS CLI, registration (run-single needs none), a look
# for a spot interruption before the runner runs, and the log's agent, which starts when the runner has asked for its first
# job.
#
# The token is in this process, for a moment in a file in memory, and in the runner; never in an argument, an environment or
# a log. A job of the docker executor is kept off the metadata service by the hop limit of 1. A job of the shell executor
# (or a privileged one) reaches it, and with it the role, which therefore may do nothing but delete its own ticket, add to the
# hosts' log, and what its profile wants every job to be able to do.
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
    # Only after an error of this script; half a second is fifty times what a runner needs to report its job as interrupted.
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

# A signed call: `call_aws SERVICE REGION TARGET JSON-VERSION INPUT`. Prints the answer, and its status in a line of its own.
call_aws() {
  local suffix='' own=AWS_ENDPOINT_URL_${1/smanager/s_manager} endpoint
  own=${own^^}
  [[ $2 != cn-* ]] || suffix=.cn
  endpoint=${!own:-${AWS_ENDPOINT_URL:-https://$1.$2.amazonaws.com$suffix}}
  printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' "$access_key" "$secret_key" "$session_token" |
    curl -q -sS -K - --max-time 5 --aws-sigv4 "aws:amz:$2:$1" -w '\n%{http_code}' --data "$5" \
      -H "content-type: application/x-amz-json-$4" -H "x-amz-target: $3" "${endpoint%/}/" || printf '\n000'
}

# Takes the ticket: DeleteItem with the old item, so that a second reader gets nothing. Sets token and job. An answer that is
# lost on the way is a lost ticket: then nothing is claimed here, and the reconciler replaces the host. A ticket that says
# `held` has no token: it is not this host's turn, whose ticket comes later.
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

# With what gitlab-runner (and docker in a shell) reads images: credential helpers, and what the secret says; in memory.
# Runs beside the claim. Exits with 10 when the secret is refused, with 11 when it is no docker configuration.
write_docker_config() {
  local config=$docker_config answer status value arn pattern='"SecretString"[[:space:]]*:[[:space:]]*"(([^"\\]|\\.)*)"'
  if [[ $registry_secret ]]; then
    IFS=: read -ra arn <<<"$registry_secret"
    for _ in 1 2 3; do
      answer=$(call_aws secretsmanager "${arn[3]}" secretsmanager.GetSecretValue 1.1 "{\"SecretId\":\"$registry_secret\"}")
      status=${answer##*$'\n'}
      [[ $status == @(000|429|5*) ]] || break
      pause 1
    done
    if [[ $status != 200 ]]; then
      say registry-secret-refused "status=$status type=$(json_string __type "$answer")"
      exit 10
    fi
    [[ $answer =~ $pattern ]] || exit 11
    # printf knows the escapes of JSON but for those of signs that stand for themselves.
    # shellcheck disable=SC1003 # it is no quote that is to be escaped
    value=${BASH_REMATCH[1]//'\\'/'\x5c'} value=${value//'\/'/'/'} value=${value//'\"'/'"'}
    printf -v value %b "$value"
    pattern='^[[:space:]]*\{.*"auths".*\}[[:space:]]*$'
    [[ $value =~ $pattern ]] || exit 11
    config="${config%\}},${value#*\{}"
  fi
  printf '%s\n' "$config" >"$folder/docker.json"
  mkdir -p "$HOME/.docker"
  ln -sfn "$folder/docker.json" "$HOME/.docker/config.json"
}

# The daemon takes a mirror while it runs, and reads the file itself when it is still to start. HOST_ROOT is for hosts that
# are processes on somebody's machine, whose docker is not theirs.
use_registry_mirror() {
  local file=${HOST_ROOT:-}/etc/docker/daemon.json settings='{}'
  [[ $registry_mirror ]] || return 0
  mkdir -p "${file%/*}"
  if [[ -s $file ]]; then settings=$(<"$file"); fi
  if ! { settings=$(jq --arg mirror "$registry_mirror" '."registry-mirrors" = [$mirror]' <<<"$settings") &&
    printf '%s\n' "$settings" >"$file" && systemctl --no-block try-reload-or-restart docker.service; }; then
    end registry-mirror-failed
  fi
}

# Waits until docker answers whoever asks for its API; its socket may be there long before. Addresses that curl cannot
# ask (ssh) are left to gitlab-runner.
await_docker() {
  local address=${docker_host:-${DOCKER_HOST:-unix:///var/run/docker.sock}} until=$((SECONDS + docker_seconds))
  local -a where
  case $address in
    unix://*) where=(--unix-socket "${address#unix://}" http://docker/_ping) ;;
    tcp://*) where=("http://${address#tcp://}/_ping") ;; # where TLS is spoken, its refusal is an answer
    *) return 0 ;;
  esac
  until curl -q -s --noproxy '*' --max-time 5 -o /dev/null "${where[@]}"; do
    ((SECONDS < until)) || return 1
    pause 0.5
  done
}

# A host without docker would take one job after the other, and fail it; ended now, it is one failed attempt of ours.
require_docker() {
  [[ $docker_look ]] || return 0
  wait "$docker_look" || end docker-unavailable "after=${SECONDS}s"
  docker_look=''
}

toml() { local value=${1//\\/\\\\}; printf '"%s"' "${value//\"/\\\"}"; }

write_config() {
  local id=000000000000${instance#i-}
  # Without this file hosts of one AMI would share the id that gitlab-runner derives from /etc/machine-id.
  system_id=s_${id: -12}
  printf '%s' "$system_id" >"$folder/.runner_system_id"
  if [[ $ca_certificates ]]; then printf '%s\n' "$ca_certificates" >"$folder/ca.pem"; fi
  # In one command: a trap between two of a group would write its lines to the group's file.
  printf '%s\n' "$(render_config)" >"$folder/config.toml"
}

render_config() {
  printf 'concurrent = 1\n[[runners]]\nname = "%s"\nurl = %s\n' "$instance" "$(toml "$gitlab_url")"
  printf 'token = "%s"\nexecutor = "%s"\n' "$token" "$executor"
  if [[ $ca_certificates ]]; then printf 'tls-ca-file = "%s"\n' "$folder/ca.pem"; fi
  if [[ $executor == shell ]]; then
    printf 'shell = "bash"\nbuilds_dir = %s\ncache_dir = %s\n' "$(toml "$HOME/builds")" "$(toml "$HOME/cache")"
  fi
  printf '%s\n' "$runner_settings" # last: it ends with tables
}

# Jobs of the shell executor inherit what the runner is started with, so nothing that is private here may reach it: our
# umask, our open files, and the signals that bash lets its background processes ignore, which no shell could trap then.
# SIGINT is ignored only until the runner listens to it (hears_signals), which is before any job.
start_runner() {
  exec {log}< <(
    umask 022
    exec env --default-signal --ignore-signal=INT gitlab-runner --log-format json run-single \
      -c "$folder/config.toml" -r "$instance" --max-builds 1 --wait-timeout "$wait_timeout_seconds" 2>&1 </dev/null {never}<&-
  )
  runner=$!
  stop_at=$((SECONDS + wait_timeout_seconds + long_poll_seconds))
}

# Asks the runner to stop, and soon makes it: `stop_runner REASON`. The first reason counts. One without a job is removed
# from GitLab first, so that it gets none while it stops.
stop_runner() {
  ((kill_at)) && return
  local grace=$stop_grace_seconds
  kill_at=$life_seconds reason=$1
  [[ $taken ]] || catch_up
  if [[ -z $taken ]]; then
    unregister
    grace=2
  fi
  # Docker goes after 15 s: a script has had time to clean up, and the runner has enough of its 30 left to give up (nine).
  kill_at=$((SECONDS + grace)) stop_docker_at=$((SECONDS + grace * 3 / 8))
  say stopping "reason=$reason"
  # A runner loses a signal that comes right behind another: of twelve without a pause ten, with a hundredth of a second none.
  [[ -z $quit ]] || pause 0.3
  kill -TERM "$runner" 2>/dev/null || :
}

# A runner heeds no signal while it prepares its job: as long as an image is pulled, or docker hangs. After 30 s it ends
# without a word, and GitLab waits for the job. Without docker it gives up in time, and says so. The docker of
# somebody's machine (HOST_ROOT) stays as it is; there, and without systemd, the control plane ends the job when the
# host is gone.
stop_docker() {
  stop_docker_at=$life_seconds
  [[ $executor == docker && $taken && -z ${HOST_ROOT-} && ${docker_host:-${DOCKER_HOST:-unix:}} == unix:* ]] || return 0
  say stopping-docker
  # `stop` so that nothing starts it again, `kill` since one that hangs would not end.
  {
    timeout 5 systemctl stop --no-block docker.socket docker.service || :
    timeout 5 systemctl kill --signal KILL docker.service
  } </dev/null >/dev/null 2>&1 &
}

# Lets the runner finish what it has or is being given, and ask for no other job. Never after SIGTERM: a runner that gets
# any signal then ends at once, without a word to GitLab about its job.
last_job() {
  local tries
  if [[ $quit ]] || ((kill_at)); then return; fi
  quit=1
  for ((tries = 0; tries < 20; tries++)); do
    if hears_signals; then break; fi
    pause 0.05
  done
  ((tries == 0)) || pause 0.05 # its handlers come one after the other
  kill -QUIT "$runner" 2>/dev/null || :
}

# Whether the runner listens to signals yet: on a busy host it may have a job before, and SIGQUIT would end it without a
# word. It is started with SIGINT ignored, so that its own handler, which it sets together with that of SIGQUIT, shows.
hears_signals() {
  local name value
  while read -r name value; do
    case $name in
      State:) [[ $value != Z* ]] || return 0 ;;
      SigCgt:) ((16#${value: -1} & 2)) || return 1 ;;
    esac
  done <"/proc/$runner/status"
} 2>/dev/null

# Acts on one line of the runner's log; its exit code says nothing about the job. The sentences are those of
# infrastructure/gitlab-runner/runner-log-sentences.ts.
heed() {
  printf '%s\n' "$1" || :
  case $1 in
    # The config and the id beside it have been read (the runner says this after both), so the token's file can go.
    *'"msg":"Starting runner for '*) rm -f "$folder/config.toml" ;;
    *'"msg":"Checking for jobs... received'*)
      begun='' outcome=unknown stop_at=$((SECONDS + maximum_job_seconds + margin_seconds))
      if [[ $1 =~ \"job\":([0-9]+) ]]; then taken=${BASH_REMATCH[1]}; fi
      # A job that is canceled before it starts does not count as the one build: the runner would ask again at once, and
      # take what is next, whatever that is mapped to.
      last_job
      # Handed out while we were stopping an idle runner: it must have the time to report the job as failed.
      if ((kill_at)); then kill_at=$((SECONDS + stop_grace_seconds)); fi
      ;;
    *'"msg":"Checking for jobs... failed'* | *'"msg":"Checking for jobs... forbidden'* | \
      *'"msg":"Checking for jobs... GitLab instance currently unavailable'* | \
      *'"msg":"Checking for jobs... client error'*)
      refused_at=$SECONDS
      ;;
    *'"msg":"Submitting job to coordinator...'*) heed_answer "$1" ;;
    *'"msg":"Job succeeded'*) begun=1 outcome=succeeded ;;
    *'"msg":"Job failed'*)
      begun=1 outcome=failed
      if [[ $1 =~ \"failure_reason\":\"([a-z_]+)\" ]]; then outcome+=" failure=${BASH_REMATCH[1]}"; fi
      ;;
    # GitLab refuses the token: the runner would now sleep for 300 s without a word.
    *'"msg":"Runner is not healthy!'*) stop_runner runner-refused ;;
  esac
}

# GitLab's answer to an update of the job's state. The first one says whether the job may begin; after later ones the
# runner itself ends the job, and says so. After a job that was canceled before it began the runner ends; one that had
# asked for another before it was told not to is stopped as one without a job.
heed_answer() {
  [[ $taken && -z $begun ]] || return 0
  case $1 in
    *'"job-status":"cancel'* | *'"msg":"Submitting job to coordinator... job failed'* | \
      *'"msg":"Submitting job to coordinator... not found'*)
      say job-gone "job=$taken"
      taken='' outcome='' stop_at=$((SECONDS + 3))
      [[ $mode != manager ]] || stop_at=$((SECONDS + long_poll_seconds))
      ;;
    *) begun=1 ;;
  esac
}

# Heeds what the runner has said and nobody has read yet: it may have a job by now.
catch_up() {
  local text
  while read -rt 0 -u "$log"; do
    if ! read -rt 1 -u "$log"; then
      line+=$REPLY
      return
    fi
    text=$line$REPLY line=''
    heed "$text"
  done
}

# shellcheck disable=SC2329 # by way of a trap
relay_rest() {
  local until=$((SECONDS + 5))
  while ((SECONDS < until)) && { read -rt 0.5 -u "$log" || [[ $REPLY ]]; }; do printf '%s\n' "$REPLY" || :; done
}

look_for_interruption() {
  local status
  status=$(metadata -o /dev/null -w '%{http_code}' "$data/spot/instance-action" 2>/dev/null) || :
  case $status in
    200) stop_runner spot-interruption ;;
    401) open_session 2>/dev/null || : ;;
  esac
}

# Follows the runner until its log ends. Every second at most: is it time to stop it, to kill it, to look for an interruption?
# `read` without a name keeps blanks by itself: with `IFS=` before it, a trap that runs meanwhile would see that IFS.
follow_runner() {
  local text line='' look_at=0 forget_at=$((SECONDS + 30)) log_at=$((SECONDS + 2))
  while :; do
    if read -rt 1 -u "$log"; then
      text=$line$REPLY line=''
      heed "$text"
    elif (($? > 128)); then
      line+=$REPLY
      kill -0 "$runner" 2>/dev/null || break # gone, though something holds its log open
    else
      [[ -z $line$REPLY ]] || heed "$line$REPLY"
      break
    fi
    [[ -z $stop_for ]] || stop_runner "$stop_for"
    if ((kill_at && SECONDS >= kill_at)); then
      kill -KILL "$runner" 2>/dev/null || :
    elif ((kill_at && SECONDS >= stop_docker_at)); then
      stop_docker
    elif ((SECONDS >= stop_at && kill_at == 0)); then
      if [[ $taken ]]; then
        stop_runner too-late
      elif [[ $mode == manager && -z $quit ]]; then
        last_job # a runner that lives on is given jobs until this host stops asking
        stop_at=$((SECONDS + long_poll_seconds))
      else
        stop_runner no-job
      fi
    fi
    if ((SECONDS >= forget_at)); then # whatever the runner says, it has read its config by now
      forget_at=$life_seconds
      rm -f "$folder/config.toml"
    fi
    if ((SECONDS >= log_at)); then # not beside the runner's first request
      log_at=$life_seconds
      start_log_agent
    fi
    if ((SECONDS >= look_at)); then
      look_at=$((SECONDS + spot_check_seconds))
      look_for_interruption
    fi
  done
}

# Removes our runner from GitLab with its own token, of a long-lived runner only this host; best effort, the control plane does it too.
# One that had a job is left to the control plane: GitLab forgets with a runner which one had a job, often before it writes the hook.
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

# Hands the host's log to the CloudWatch agent, where the AMI has one; in the background, and without it nothing is missing.
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
