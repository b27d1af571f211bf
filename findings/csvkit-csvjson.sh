#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# csvjson of csvkit 2.2.0 (PyPI, with agate 1.14.2) gives valid JSON of valid CSV and means something else:
#   - 800m becomes the duration 13:20:00, as if metres or thousandths were minutes; 1.2k in the same column
#     keeps all of it as it was;
#   - 22:15, a time of day, becomes 0:22:15, 22 minutes and 15 seconds;
#   - $5 becomes 5.0, but 5 EUR stays;
#   - a column that happens to hold 0 and 1 only becomes false and true; one 2 in it, and all of them are
#     numbers again, so that two exports of one source differ in type.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv env
env/bin/pip --quiet --disable-pip-version-check install csvkit==2.2.0 agate==1.14.2
csvjson() { printf '%b' "$1" >table.csv; env/bin/csvjson table.csv; echo; }

{
  env/bin/csvjson --version
  csvjson 'n,way\n1,800m\n2,950m\n'
  csvjson 'n,way\n1,800m\n2,1.2k\n'
  csvjson 'n,clock\n1,22:15\n2,22:30\n'
  csvjson 'n,price\n1,$5\n2,$6\n'
  csvjson 'n,price\n1,5 EUR\n2,6 EUR\n'
  csvjson 'n,door\n1,0\n2,1\n'
  csvjson 'n,door\n1,0\n2,2\n'
} | tee seen

diff - seen <<'EXPECTED'
csvjson 2.2.0
[{"n": 1.0, "way": "13:20:00"}, {"n": 2.0, "way": "15:50:00"}]
[{"n": 1.0, "way": "800m"}, {"n": 2.0, "way": "1.2k"}]
[{"n": 1.0, "clock": "0:22:15"}, {"n": 2.0, "clock": "0:22:30"}]
[{"n": 1.0, "price": 5.0}, {"n": 2.0, "price": 6.0}]
[{"n": 1.0, "price": "5 EUR"}, {"n": 2.0, "price": "6 EUR"}]
[{"n": 1.0, "door": false}, {"n": 2.0, "door": true}]
[{"n": 1.0, "door": 0.0}, {"n": 2.0, "door": 2.0}]
EXPECTED
echo "as found"
