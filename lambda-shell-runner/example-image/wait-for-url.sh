#!/bin/bash
# A tool for jobs: waits until an address answers, for 60 seconds at most. Usage: wait-for-url URL
set -euo pipefail
exec curl --fail --silent --show-error --output /dev/null --retry 20 --retry-all-errors --retry-delay 3 --retry-max-time 60 "$1"
