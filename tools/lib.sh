# What tools/quickstart and tools/test share. Sourced, never run.
# shellcheck shell=bash disable=SC2034

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# oneDNN's CMake package asks for OpenCL, which Debian's libdnnl-dev only recommends.
build_packages=(g++ cmake ninja-build libdnnl-dev ocl-icd-opencl-dev libjpeg-dev libtiff-dev nlohmann-json3-dev
  libcli11-dev zlib1g-dev)
test_packages=(doctest-dev libbenchmark-dev libboost-context-dev pkg-config python3 python3-dev python3-venv git
  abigail-tools man-db)

say() { printf '== %s\n' "$*"; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# setup_packages PACKAGE...: installs those that are missing. Touches neither apt nor the network when none is.
setup_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "no apt here: make sure that the equivalents of these are installed: $*"
    return
  fi

  local package missing=()
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "neither root nor sudo; ask an administrator for: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  # A broken third-party list fails the update as a whole although the packages needed here may be at hand.
  "${as_root[@]}" apt-get -qq update || say "apt-get update failed; going on with the lists at hand"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends -o Dpkg::Use-Pty=0 \
    "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]} (Ubuntu keeps some of them in 'universe')"
}

# build PRESET [TARGET...]: configures, with cmake_options, and builds; the compiler goes through ccache where there is one.
cmake_options=()
build() {
  local preset=$1 targets=()
  shift
  (($# == 0)) || targets=(--target "$@")
  cmake --preset "$preset" --log-level=WARNING -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache)" \
    "${cmake_options[@]}" >/dev/null ||
    die "preset '$preset' could not be configured"
  cmake --build --preset "$preset" "${targets[@]}" || die "preset '$preset' could not be built"
}

# list_skips LOG: a line for each reason that tests gave for skipping something, with how often they gave it.
list_skips() {
  grep -ohiE 'MESSAGE: .*skip.*' "$1" | sed 's/^MESSAGE: //' | sort | uniq -c |
    sed -E 's/^ *1 /  /; t; s/^ *([0-9]+) /  \1 times /' || true
}

has_gpu() { nvidia-smi -L 2>/dev/null | grep -q '^GPU '; }

# The CUDA toolkit's compiler, as CMakeLists.txt finds it; fails where there is none.
find_nvcc() { command -v nvcc || { [[ -x /usr/local/cuda/bin/nvcc ]] && echo /usr/local/cuda/bin/nvcc; }; }

# One line: which engine this machine gets, and how far it is tested here.
describe_engine() {
  if ! find_nvcc >/dev/null; then
    printf 'CPU engine (no CUDA toolkit here; kernels and CUDA backend are tested under the emulator)'
  elif has_gpu; then
    printf 'CPU and CUDA engine (a GPU is here)'
  else
    printf 'CPU and CUDA engine (no GPU here; kernels and CUDA backend are tested under the emulator)'
  fi
}
