#!/bin/bash
# What must differ between hosts, and what the image is smaller without. Image Builder itself removes keys, logs and cloud-init's state.
set -euo pipefail

truncate --size 0 /etc/machine-id
rm -f /var/lib/docker/engine-id /var/lib/systemd/random-seed
dnf clean all
rm -rf /var/cache/dnf
