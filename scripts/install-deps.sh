#!/usr/bin/env bash
# Installs the Debian packages that millrace needs. This is the only list of them.
#
#   scripts/install-deps.sh [--print] [build|test|fuzz|runtime]...      default: build test
#
# build    compiles the project        test     what the tests run beside it
# fuzz     scripts/fuzz.sh, beside build
# runtime  what the built executables load: for a machine or an image without compilers
#
# For Debian 12 and 13, and Ubuntu releases of the same age where the names agree. Needs root or
# sudo, and only where something is missing: with everything installed, apt is not called at all.
# "a|b" is one package whose name differs between releases: the first that exists is taken.
set -euo pipefail

# shellcheck disable=SC2034  # the lists are read by name
build=(
  g++ cmake ninja-build pkgconf ccache mold ca-certificates
  cppzmq-dev libzmq3-dev libmsgpack-cxx-dev libyaml-cpp-dev nlohmann-json3-dev libcli11-dev
  libspdlog-dev libfmt-dev libexpected-dev doctest-dev libxxhash-dev
  libcurl4-openssl-dev libssl-dev libsqlitecpp-dev libsqlite3-dev
  libjpeg-dev libpng-dev libwebp-dev libtiff-dev libopenjp2-7-dev libheif-dev libavif-dev libmagic-dev
  libdeflate-dev libhwy-dev
  libopencv-core-dev libopencv-imgproc-dev libopencv-imgcodecs-dev
  # HEIC and AVIF: plugins since Debian 13, part of libheif1 before.
  'libheif-plugin-libde265|libheif1' 'libheif-plugin-dav1d|libheif1'
  libtorch-dev
  # By name: without it LibTorch takes the reference BLAS, which is 17 to 50 times slower.
  libopenblas0-pthread
)

# shellcheck disable=SC2034
test=(
  python3 python3-torch python3-zmq python3-msgpack python3-numpy python3-pil python3-yaml
  git procps zsh libjpeg-turbo-progs
)

# llvm: names instead of addresses in a finding's stacks.
# shellcheck disable=SC2034
fuzz=(clang libclang-rt-dev llvm)

# shellcheck disable=SC2034
runtime=(
  ca-certificates
  'libzmq5|libzmq5t64' 'libyaml-cpp0.8|libyaml-cpp0.7'
  'libspdlog1.15|libspdlog1.12|libspdlog1.10' 'libfmt10|libfmt9'
  'libcurl4t64|libcurl4' 'libssl3t64|libssl3' libsqlite3-0
  'libjpeg62-turbo|libjpeg-turbo8' 'libpng16-16t64|libpng16-16' libwebp7 libwebpdemux2 libtiff6 libopenjp2-7 libheif1
  'libavif16|libavif15' 'libmagic1t64|libmagic1' libdeflate0
  'libheif-plugin-libde265|libheif1' 'libheif-plugin-dav1d|libheif1' 'libhwy1t64|libhwy1'
  'libopencv-imgcodecs410|libopencv-imgcodecs406t64|libopencv-imgcodecs406'
  'libtorch2.6|libtorch2.1|libtorch1.13'
  libopenblas0-pthread
)

print=false
lists=()
for argument in "$@"; do
  case $argument in
    build | test | fuzz | runtime) lists+=("$argument") ;;
    --print) print=true ;;
    -h | --help) sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) echo "install-deps.sh: unknown list '$argument': build, test, fuzz or runtime" >&2; exit 2 ;;
  esac
done
[ ${#lists[@]} -gt 0 ] || lists=(build test)

wanted=()
for list in "${lists[@]}"; do
  declare -n packages=$list
  wanted+=("${packages[@]}")
done
if $print; then printf '%s\n' "${wanted[@]}"; exit 0; fi

if ! command -v apt-get >/dev/null; then
  echo "install-deps.sh: this is not Debian or Ubuntu (no apt-get). Install the equivalents of:" >&2
  printf '  %s\n' "${wanted[@]}" >&2
  exit 1
fi

installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

missing=()
for package in "${wanted[@]}"; do
  IFS='|' read -ra names <<<"$package"
  for name in "${names[@]}"; do
    ! installed "$name" || continue 2
  done
  missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install-deps.sh: needs root or sudo to install: ${missing[*]}" >&2
    exit 1
  fi
  root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 \
    -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 && return
  cat "$log" >&2
  echo "install-deps.sh: apt-get $1 failed" >&2
  exit 1
}

echo "Installing ${#missing[@]} packages and what they need (${lists[*]}); see scripts/install-deps.sh" >&2
apt update
chosen=()
for package in "${missing[@]}"; do
  IFS='|' read -ra names <<<"$package"
  for name in "${names[@]}"; do
    candidate=$(apt-cache policy "$name" | sed -n 's/^  Candidate: //p')
    if [ -n "$candidate" ] && [ "$candidate" != '(none)' ]; then
      chosen+=("$name")
      continue 2
    fi
  done
  echo "install-deps.sh: this release has no package $package" >&2
  exit 1
done
apt install -y --no-install-recommends "${chosen[@]}"
