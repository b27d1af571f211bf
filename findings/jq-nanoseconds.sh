#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# jq 1.6 (Debian 12) changes numbers that it only passes on: `jq -c .` rounds integers beyond 2^53, so
# times in nanoseconds move by up to 128 and neighbouring ones become equal; 1e999 becomes the largest
# double; and nan, which is no JSON, is taken and becomes null.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"

apt-get download -qq jq=1.6-2.1+deb12u3 libjq1=1.6-2.1+deb12u3 libonig5=6.9.8-1 2>/dev/null
for package in *.deb; do dpkg -x "$package" .; done
jq() { LD_LIBRARY_PATH="$(echo usr/lib/*-linux-gnu)" usr/bin/jq "$@"; }

{
  jq --version
  printf '%s\n' '{"time":1700000000123456700}' '{"time":1700000000123456789}' '{"time":1e999}' \
    '{"time":nan}' | jq -c .
} | tee seen

diff - seen <<'EXPECTED'
jq-1.6
{"time":1700000000123456800}
{"time":1700000000123456800}
{"time":1.7976931348623157e+308}
{"time":null}
EXPECTED
echo "as found"
