#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sadf of sysstat 12.6.1 (Debian 12) gives the same readings in three forms of which none is one table:
#   - `sadf -d FILE -- -u -r` is several tables one behind the other, each headed by a line that looks
#     like a comment ("# hostname;interval;timestamp;..."), separated by ";";
#   - its time is text with a zone behind it ("2023-11-14 22:13:20 UTC"), and the processor -1 stands for
#     all of them;
#   - `sadf -j` splits the time into "date" and "time", with "utc":1 beside them, and its rows stand in
#     lists four levels deep;
#   - `sadf -p` has a line for each value, the column's name in it.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"

apt-get download -qq sysstat=12.6.1-1 2>/dev/null
for package in *.deb; do dpkg -x "$package" .; done
usr/lib/sysstat/sadc 1 2 readings
sadf() { TZ=UTC usr/bin/sadf "$@"; }
plain() { # what differs from run to run
  sed -E -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}/DATE/g' -e 's/"[0-9]{4}-[0-9-]{5}"/"DATE"/' \
    -e 's/"[0-9:]{8}"/"TIME"/' -e 's/^[^#;]+;/HOST;/' -e "s/^$(uname -n)/HOST/" -e 's/[0-9]+\.[0-9]{2}/X/g' \
    -e 's/;[0-9]{3,}/;N/g' -e 's/;N(;(N|X|[0-9]+))+$/;N.../'
}

{
  sadf -d readings -- -u -r | cut -d ';' -f 1-6 | plain
  sadf -p readings -- -u | head -n 1 | tr '\t' '|' | plain
  sadf -j readings -- -u | grep -m 1 timestamp | sed 's/^\t*//' | plain
} | tee seen

diff - seen <<'EXPECTED'
# hostname;interval;timestamp;CPU;%user;%nice
HOST;1;DATE UTC;-1;X;X
# hostname;interval;timestamp;kbmemfree;kbavail;kbmemused
HOST;1;DATE UTC;N...
HOST|1|DATE UTC|all|%user|X
"timestamp": {"date": "DATE", "time": "TIME", "utc": 1, "interval": 1},
EXPECTED
echo "as found"
