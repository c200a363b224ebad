#!/bin/bash
# On the build instance, before the image is taken: is everything there that a host's boot script counts on?
set -euxo pipefail
: "${version:?}"

gitlab-runner --version | grep --fixed-strings "$version"
[[ $(systemctl is-enabled gitlab-runner.service || :) == masked ]]
for unit in docker.socket docker.service amazon-ssm-agent.service; do systemctl is-enabled "$unit"; done
for command in docker docker-credential-ecr-login git git-lfs jq python3 amazon-cloudwatch-agent-ctl; do command -v "$command"; done
[[ -f /etc/machine-id && ! -s /etc/machine-id ]]
[[ ! -e /var/lib/cloud/instance ]]

# The boot script sleeps and names its folder with bash 5.1, and signs a request with curl 7.86: "cannot connect" (7) says that
# this curl knows the option.
((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501))
status=0
curl --silent --aws-sigv4 aws:amz:region:service --user key:secret http://127.0.0.1:9/ || status=$?
[[ $status == 7 ]]
