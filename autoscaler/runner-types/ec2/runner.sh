#!/bin/bash
# A part of boot.sh: how a host runs gitlab-runner. Its config, its log, and when it is stopped.

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

# Asks the runner to stop, and soon makes it: `stop_runner REASON`. The first reason counts. One without a job is
# removed from GitLab first, so that it gets none while it stops.
stop_runner() {
  ((kill_at)) && return
  local grace=$stop_grace_seconds
  kill_at=$life_seconds reason=$1
  [[ $taken ]] || catch_up
  if [[ -z $taken ]]; then
    unregister
    grace=2
  fi
  # Docker goes after 15 s: a script has had time to clean up, and the runner has enough of its 30 left to give up
  # (nine).
  kill_at=$((SECONDS + grace)) stop_docker_at=$((SECONDS + grace * 3 / 8))
  say stopping "reason=$reason"
  # A runner loses a signal that comes right behind another: of twelve without a pause ten, with a hundredth of a second
  # none.
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

# Lets the runner finish what it has or is being given, and ask for no other job. Never after SIGTERM: a runner that
# gets any signal then ends at once, without a word to GitLab about its job.
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

# Follows the runner until its log ends. Every second at most: is it time to stop it, to kill it, to look for an
# interruption? `read` without a name keeps blanks by itself: with `IFS=` before it, a trap that runs meanwhile would
# see that IFS.
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
