#!/bin/bash
# What must differ between hosts, and what the image is smaller without. Image Builder itself removes keys and logs.
set -euo pipefail

# The image's disk is copied next: docker must have written everything.
systemctl stop docker.service docker.socket containerd.service
# systemd gives each host its own at the first boot; gitlab-runner makes its system id of it.
truncate --size 0 /etc/machine-id
rm -f /var/lib/dbus/machine-id /var/lib/docker/engine-id /var/lib/systemd/random-seed
# The user data of a host is for a new instance, whatever was run on this one.
cloud-init clean --logs
dnf clean all
rm -rf /var/cache/dnf
