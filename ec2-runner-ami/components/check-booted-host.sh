#!/bin/bash
# On an instance that was started from the image: has it booted to its end, with an identity of its own, and does docker work
# without a download?
set -euxo pipefail
: "${helper_image:?}"

[[ $(timeout 300 cloud-init status --wait) == *'status: done'* ]]
[[ -s /etc/machine-id ]]
[[ $(systemctl is-active amazon-ssm-agent.service) == active ]]
[[ $(systemctl is-active gitlab-runner.service || :) != active ]]
docker image inspect "$helper_image" >/dev/null
docker run --rm --network none --pull never "$helper_image" true
