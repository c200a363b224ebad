#!/bin/bash
# A part of boot.sh: how a host gets at images. Credentials for registries, the mirror, and whether docker answers.

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

# The daemon takes a mirror while it runs, and reads the file itself when it is still to start. HOST_ROOT is for hosts
# that are processes on somebody's machine, whose docker is not theirs.
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
