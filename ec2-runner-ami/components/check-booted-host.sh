#!/bin/bash
# On an instance that was started from the image: does docker work without a download, and has the host an identity of its own?
set -euxo pipefail
: "${helper_image:?}"

docker image inspect "$helper_image" >/dev/null
docker run --rm --network none --pull never "$helper_image" true
[[ -s /etc/machine-id ]]
[[ $(systemctl is-active gitlab-runner.service || :) != active ]]
