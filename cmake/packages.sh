# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: installs the Debian packages that are missing, and only those.

core_packages=(g++ cmake ninja-build zlib1g-dev libtbb-dev catch2 libbenchmark-dev libcli11-dev
  libeigen3-dev)
service_packages=(libboost-json1.81-dev libssl-dev libsqlite3-dev libsodium-dev libtomlplusplus-dev
  libspdlog-dev libmosquitto-dev)

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

# Prints where nvcc is; fails where it is not.
find_nvcc() {
  command -v nvcc || find /usr/local/cuda*/bin -name nvcc 2>/dev/null | tail -n 1 | grep .
}

# bring_nvcc <folder>: installs CUDA's compiler there, unless it has been, and prints where it is. Only
# programs that run without a device can be tested with it: it has no driver.
bring_nvcc() {
  local folder="$1" listed top
  listed="$(dirname "${BASH_SOURCE[0]}")/cuda_packages.txt"
  top="$folder/nvidia/cu13"
  if ! cmp -s "$listed" "$folder/installed.txt"; then
    install_packages python3-pip >&2 &&
      say "Bringing nvcc into $folder" >&2 &&
      rm -rf "$folder" &&
      python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
        --only-binary=:all: --no-deps --require-hashes --target "$folder" -r "$listed" >&2 &&
      # What linkers and CMake look for.
      ln -s lib "$top/lib64" &&
      ln -s "$(basename "$top"/lib/libcudart.so.*)" "$top/lib/libcudart.so" &&
      cp "$listed" "$folder/installed.txt" || return
  fi
  printf '%s\n' "$(cd "$top" && pwd)/bin/nvcc"
}
