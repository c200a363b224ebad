#!/bin/bash
# One release of gitlab-runner, proved: by a pinned checksum where there is one, else by GitLab's signature over the release's list of
# checksums. The machine image and the Lambda image are made with it. Without a `destination` it downloads no binary and prints the
# checksum that the signed list has, which is what a pin is made of.
# The variables come from gitlab-runner-release.ts. Needs bash, curl, coreutils and, where nothing is pinned, gpg.
# Source: https://docs.gitlab.com/runner/install/linux-repository/#current-gpg-public-key
set -euo pipefail
: "${version:?}" "${binary_architecture:?}" "${sha256?}"
: "${downloads:?}" "${key_urls:?}" "${key_fingerprint:?}"
: "${destination?}" "${mode?}"

release=${downloads%/}/v$version
binary=binaries/gitlab-runner-linux-$binary_architecture

fetch() { curl --fail --silent --show-error --location --retry 5 --output "$1" "$2"; }

fail() {
  echo "gitlab-runner $version for $binary_architecture: $1" >&2
  exit 1
}

# Sets sha256 to what GitLab has signed for this binary.
read_signed_checksum() {
  fetch release.sha256 "$release/release.sha256"
  fetch release.sha256.asc "$release/release.sha256.asc"
  # The fingerprint is what counts; it does not matter which of these addresses has the key.
  local url
  for url in $key_urls; do fetch key.gpg "$url" && break; done
  [[ -s key.gpg ]] || fail "GitLab's key is at none of $key_urls"
  export GNUPGHOME=$work/gnupg
  mkdir -m 0700 "$GNUPGHOME"
  gpg --batch --quiet --no-autostart --import key.gpg
  # The last field of VALIDSIG is the primary key. That a known key has expired meanwhile changes nothing about the file.
  gpg --batch --no-autostart --status-fd 1 --verify release.sha256.asc release.sha256 >signature 2>/dev/null || :
  grep -q "^\[GNUPG:\] VALIDSIG .* $key_fingerprint\$" signature ||
    fail "release.sha256 is not signed by GitLab's key $key_fingerprint"
  if grep -q '^\[GNUPG:\] REVKEYSIG ' signature; then fail "GitLab has revoked its key $key_fingerprint"; fi
  sha256=$(grep -E "^[0-9a-f]{64} [ *]$binary\$" release.sha256) || fail "release.sha256 does not list $binary"
  sha256=${sha256%% *}
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir binaries
if [[ -z $sha256 ]]; then read_signed_checksum; fi
[[ $sha256 =~ ^[0-9a-f]{64}$ ]] || fail "\"$sha256\" is no SHA-256"
if [[ -z $destination ]]; then
  echo "$sha256"
  exit
fi
fetch "$binary" "$release/$binary"
echo "$sha256  $binary" | sha256sum --check --status --strict || fail "the binary is not the one with the SHA-256 $sha256"
install -m "$mode" "$binary" "$destination"
