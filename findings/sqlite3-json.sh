#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sqlite3 -json (Debian 12: sqlite3 3.40.1) writes JSON that is valid and still not what one expects:
#   - a query without rows prints nothing, not [];
#   - infinity is the number 1e999, which readers take for infinity, for an error or for the largest
#     double; the same shell's CSV says Inf;
#   - reals come with twenty digits (0.1 is 0.10000000000000000555), and integers beyond 2^53 in full;
#   - rows stand in one array over several lines, each but the last with a comma behind it.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"

packages=(sqlite3=3.40.1-2+deb12u2)
apt-get download -qq "${packages[@]}" 2>/dev/null
for package in *.deb; do dpkg -x "$package" .; done
sqlite3() { usr/bin/sqlite3 "$@"; }

{
  sqlite3 --version | cut -d ' ' -f 1
  sqlite3 -json :memory: "select 1 as a where 0"
  sqlite3 -json :memory: "select 9e999 as a, 0.1 as b, 9007199254740993 as c, null as d
    union all select 1, 2, 3, 4"
  sqlite3 -csv :memory: "select 9e999, 0.1, 9007199254740993, null"
} | tee seen

diff - seen <<'EXPECTED'
3.40.1
[{"a":1e999,"b":0.10000000000000000555,"c":9007199254740993,"d":null},
{"a":1,"b":2,"c":3,"d":4}]
Inf,0.1,9007199254740993,
EXPECTED
echo "as found"
