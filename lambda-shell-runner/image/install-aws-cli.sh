#!/bin/bash
# Installs one version of the AWS CLI, proved by the AWS CLI team's signature over its archive.
# Usage: install-aws-cli.sh VERSION amd64|arm64 [SHA256-OF-AMD64 SHA256-OF-ARM64]
# Source: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html
set -euo pipefail

version=$1
architecture=$2

case "$architecture" in
  amd64) machine=x86_64 expected_sha256=${3:-} ;;
  arm64) machine=aarch64 expected_sha256=${4:-} ;;
  *) echo "architecture \"${architecture}\": write amd64 or arm64" >&2; exit 1 ;;
esac
archive="awscli-exe-linux-${machine}-${version}.zip"
downloads=${AWS_CLI_DOWNLOADS:-https://awscli.amazonaws.com}
key_fingerprint=FB5DB77FD5C118B80511ADA8A6310ACC4672475C
# AWS has the key on the page above only. Key servers have it too; the fingerprint is what counts, whoever hands the key out.
key_urls=${AWS_CLI_KEY_URLS:-"
  https://keyserver.ubuntu.com/pks/lookup?op=get&options=mr&search=0x${key_fingerprint}
  https://pgpkeys.eu/pks/lookup?op=get&options=mr&search=0x${key_fingerprint}
  https://pgp.mit.edu/pks/lookup?op=get&options=mr&search=0x${key_fingerprint}
"}
prefix=${AWS_CLI_PREFIX:-/usr/local}

fetch() {
  curl --fail --silent --show-error --location --retry 5 --max-time 300 --output "$1" "$2"
}

fail() {
  echo "AWS CLI ${version} for ${machine}: $1" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fetch "$archive" "$downloads/$archive"
fetch "$archive.sig" "$downloads/$archive.sig"

export GNUPGHOME="$work/gnupg"
mkdir -m 0700 "$GNUPGHOME"
found=
for url in $key_urls; do
  if fetch key.asc "$url" && gpg --batch --quiet --import key.asc \
    && gpg --batch --with-colons --fingerprint | grep -q "^fpr:.*:${key_fingerprint}:\$"; then
    found=yes
    break
  fi
done
[ -n "$found" ] || fail "no key server has the key ${key_fingerprint}"

# The last field of VALIDSIG is the primary key. That a pinned key has expired meanwhile changes nothing about the file.
gpg --batch --status-fd 1 --verify "$archive.sig" "$archive" > signature 2> /dev/null || true
grep -q "^\[GNUPG:\] VALIDSIG .* ${key_fingerprint}\$" signature || fail "the archive is not signed by AWS's key ${key_fingerprint}"
! grep -q '^\[GNUPG:\] REVKEYSIG ' signature || fail "AWS has revoked its key ${key_fingerprint}"
if [ -n "$expected_sha256" ]; then
  echo "${expected_sha256}  ${archive}" | sha256sum --check --status || fail "AWS has signed the archive, but it is not the pinned one (SHA-256 ${expected_sha256}): pin its own, or none"
fi

unzip -q "$archive"
./aws/install --install-dir "$prefix/aws-cli" --bin-dir "$prefix/bin"
# Thousands of files that only `aws help` shows.
rm -rf "$prefix"/aws-cli/v2/*/dist/awscli/examples
