# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: installs the Debian packages that are missing, and only those.

core_packages=(g++ cmake ninja-build zlib1g-dev libtbb-dev catch2 libbenchmark-dev libcli11-dev
  libeigen3-dev)
service_packages=(libboost-json1.81-dev libssl-dev libsqlite3-dev libsodium-dev libtomlplusplus-dev
  libspdlog-dev)

say() { printf '\n== %s\n' "$*"; }

# install_packages <package>...
install_packages() {
  local package missing=()
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "No apt-get here; taking for granted what these Debian packages hold: $*"
    return
  fi
  for package in "$@"; do
    if [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]]; then
      missing+=("$package")
    fi
  done
  if ((${#missing[@]} == 0)); then
    return
  fi

  local root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "These packages are missing and there is no sudo; install them as root: ${missing[*]}" >&2
      return 1
    fi
    root=(sudo)
    [[ -t 0 ]] || root+=(--non-interactive) # nobody is there to type a password
  fi
  say "Installing ${missing[*]}"
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
}
