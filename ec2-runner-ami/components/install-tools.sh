#!/bin/bash
# What jobs and hosts need beside gitlab-runner.
set -euo pipefail

dnf --assumeyes upgrade
dnf --assumeyes install amazon-cloudwatch-agent amazon-ecr-credential-helper amazon-ssm-agent docker git git-lfs jq
git lfs install --system

# The socket is there before the daemon: a job that comes too early waits for docker instead of failing.
systemctl enable docker.socket docker.service amazon-ssm-agent.service
# It has no configuration here; whoever wants its logs gives it one and starts it.
systemctl disable amazon-cloudwatch-agent.service
# A host runs one job by run-single. A service that somebody's package brings along must never take jobs beside it.
systemctl mask gitlab-runner.service

# docker pulls from this account's registry with the host's role, when the profile's policies let it.
metadata=http://169.254.169.254/latest
session=$(curl -sS --fail -X PUT -H 'x-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata/api/token")
read_metadata() { curl -sS --fail -H "x-aws-ec2-metadata-token: $session" "$metadata/$1"; }
account=$(read_metadata dynamic/instance-identity/document | jq --raw-output .accountId)
region=$(read_metadata meta-data/placement/region)
domain=$(read_metadata meta-data/services/domain)
install -d -m 700 /root/.docker
jq --null-input --arg registry "$account.dkr.ecr.$region.$domain" '.credHelpers[$registry] = "ecr-login"' \
  >/root/.docker/config.json
