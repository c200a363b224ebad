#!/bin/bash
# The image with which gitlab-runner clones and uploads: without it every docker job would begin with its download.
set -euo pipefail
: "${helper_image:?}"

systemctl start docker.service
docker pull "$helper_image"
