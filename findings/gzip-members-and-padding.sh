#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A gzip file of two members (RFC 1952, 2.2) or with zeros behind it (block devices, tapes; the gzip
# manual: "trailing zero bytes are ignored") is not read alike everywhere:
#   - fflate 0.8.2 (npm) unpacks the first of two members and drops the second without a word; with
#     512 zeros behind the only member it gives nothing at all, without an error.
#   - Go 1.22.12's compress/gzip gives all data of the padded file and the error "invalid header".
#   - pako 2.1.0 (npm) and isal 1.7.1 (PyPI) read both files whole.
# So who packs with one and unpacks with another loses rows that nobody misses.
set -euo pipefail
work="$(mktemp -d)"
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv env
env/bin/pip --quiet --disable-pip-version-check install isal==1.7.1
npm install --silent --no-fund --no-audit --prefix . pako@2.1.0 fflate@0.8.2 >/dev/null

env/bin/python - <<'PYTHON'
import gzip
one = gzip.compress(b"a\n", mtime=0)
open("two.gz", "wb").write(one + gzip.compress(b"b\n", mtime=0))
open("padded.gz", "wb").write(one + bytes(512))
PYTHON

cat > unpack.js <<'JS'
const { readFileSync } = require("fs");
const ways = {
  fflate: (bytes) => require("fflate").gunzipSync(bytes),
  pako: (bytes) => require("pako").ungzip(bytes),
};
for (const [name, unpack] of Object.entries(ways))
  for (const file of ["two.gz", "padded.gz"])
    console.log(name, file, JSON.stringify(Buffer.from(unpack(readFileSync(file))).toString()));
JS
cat > unpack.py <<'PYTHON'
import json
from isal import igzip
for file in ("two.gz", "padded.gz"):
    print("isal", file, json.dumps(igzip.decompress(open(file, "rb").read()).decode()))
PYTHON
cat > unpack.go <<'GO'
package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
)

func main() {
	for _, name := range []string{"two.gz", "padded.gz"} {
		file, _ := os.Open(name)
		packed, err := gzip.NewReader(file)
		if err != nil {
			panic(err)
		}
		bytes, err := io.ReadAll(packed)
		fmt.Printf("go %s %q %v\n", name, bytes, err)
	}
}
GO

{
  node unpack.js
  env/bin/python unpack.py
  GOPATH="$work/go" GOCACHE="$work/cache" GOTOOLCHAIN=go1.22.12 go run unpack.go 2>errors || cat errors
} | tee seen

diff - seen <<'EXPECTED'
fflate two.gz "a\n"
fflate padded.gz ""
pako two.gz "a\nb\n"
pako padded.gz "a\n"
isal two.gz "a\nb\n"
isal padded.gz "a\n"
go two.gz "a\nb\n" <nil>
go padded.gz "a\n" gzip: invalid header
EXPECTED
echo "as found"
