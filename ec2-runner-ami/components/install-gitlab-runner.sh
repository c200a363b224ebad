#!/bin/bash
# One release of gitlab-runner, checked. Without a pinned checksum it is compared with the list that GitLab publishes beside it:
# that finds a broken download, not a bucket in the wrong hands.
set -euo pipefail
: "${version:?}" "${binary_architecture:?}" "${sha256?}"

origin=https://gitlab-runner-downloads.s3.dualstack.us-east-1.amazonaws.com/v$version
binary=gitlab-runner-linux-$binary_architecture
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

download() { curl -sS --fail --proto '=https' --retry 5 --output "$work/$2" "$origin/$1"; }

download "binaries/$binary" "$binary"
if [[ -z $sha256 ]]; then
  download release.sha256 release.sha256
  sha256=$(awk -v path="binaries/$binary" '{ sub(/^[*.\/]+/, "", $2) } $2 == path { print $1 }' "$work/release.sha256")
fi
if [[ ! $sha256 =~ ^[0-9a-f]{64}$ ]]; then
  echo "$origin/release.sha256 has no checksum for $binary" >&2
  exit 1
fi
sha256sum --check --strict <<<"$sha256  $work/$binary"
install -m 755 "$work/$binary" /usr/bin/gitlab-runner

# A host runs one job by run-single. A service that somebody's package brings along must never take jobs beside it.
systemctl mask gitlab-runner.service
