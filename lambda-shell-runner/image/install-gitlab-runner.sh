#!/bin/bash
# Installs one release of gitlab-runner, proved by GitLab's signature over the release's list of checksums.
# Usage: install-gitlab-runner.sh VERSION amd64|arm64 [SHA256]
# Source: https://docs.gitlab.com/runner/install/linux-repository/#current-gpg-public-key
set -euo pipefail

version=$1
architecture=$2
expected_sha256=${3:-}

release="https://gitlab-runner-downloads.s3.dualstack.us-east-1.amazonaws.com/v${version}"
# The fingerprint is what counts; it does not matter which of these addresses has the key.
key_urls=(
  https://packages.gitlab.com/runner/gitlab-runner/gpgkey/runner-gitlab-runner-49F16C5CC3A0F81F.pub.gpg
  https://packages.gitlab.com/gpgkey/runner/49F16C5CC3A0F81F.pub.gpg
)
key_fingerprint=931DA69CFA3AFEBBC97DAA8C6C57C29C6BA75A4E
binary="binaries/gitlab-runner-linux-${architecture}"

fetch() {
  curl --fail --silent --show-error --location --retry 5 --output "$1" "$2"
}

fail() {
  echo "gitlab-runner ${version} for ${architecture}: $1" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir binaries
fetch release.sha256 "$release/release.sha256"
fetch release.sha256.asc "$release/release.sha256.asc"
fetch "$binary" "$release/$binary"
for url in "${key_urls[@]}"; do
  fetch key.gpg "$url" && break
done

export GNUPGHOME="$work/gnupg"
mkdir -m 0700 "$GNUPGHOME"
gpg --batch --quiet --import key.gpg
# The last field of VALIDSIG is the primary key. That a pinned key has expired meanwhile changes nothing about the file.
gpg --batch --status-fd 1 --verify release.sha256.asc release.sha256 > signature 2> /dev/null || true
grep -q "^\[GNUPG:\] VALIDSIG .* ${key_fingerprint}\$" signature || fail "release.sha256 is not signed by GitLab's key ${key_fingerprint}"
! grep -q '^\[GNUPG:\] REVKEYSIG ' signature || fail "GitLab has revoked its key ${key_fingerprint}"

grep -E "^[0-9a-f]{64} [ *]${binary}\$" release.sha256 > checksum || fail "release.sha256 does not list ${binary}"
sha256sum --check --status checksum || fail "the binary is not the one of release.sha256"
if [ -n "$expected_sha256" ]; then
  grep -q "^${expected_sha256} " checksum || fail "the binary is not the pinned one (SHA-256 ${expected_sha256})"
fi

install -m 0711 "$binary" /usr/local/bin/gitlab-runner
