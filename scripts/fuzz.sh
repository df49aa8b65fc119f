#!/usr/bin/env bash
# Builds the libFuzzer targets of tests/fuzz with Clang, in build/fuzz, and runs each over its
# corpus.
#
#   scripts/fuzz.sh [SECONDS] [TARGET]...   default: 60 s each of topology, wire, unpickler, image, jpeg
#
# Fails on a crash, a leak, a broken promise, an input that takes over 30 s, or memory beyond the
# bounds below; the input that did it is kept in build/fuzz/findings, and how to run it again is
# said. What else is found goes to a temporary folder: scripts/fuzz.sh never changes a corpus. To
# keep what adds coverage, see tests/fuzz/CMakeLists.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

all=(topology wire unpickler image jpeg)
usage() {
  echo "fuzz.sh: $1; usage: scripts/fuzz.sh [SECONDS] [${all[*]}]..." >&2
  exit 2
}

seconds=60
case ${1:-} in
  -h | --help) sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
  [0-9]*)
    [[ $1 =~ ^[1-9][0-9]*$ ]] || usage "'$1' is no number of seconds"
    seconds=$1
    shift
    ;;
esac
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")
for target in "${targets[@]}"; do
  [[ " ${all[*]} " == *" $target "* ]] || usage "no target '$target'"
done
command -v clang++ >/dev/null || {
  echo "fuzz.sh: needs clang++: run scripts/install-deps.sh fuzz" >&2
  exit 2
}

# max_len: the largest input that is tried. malloc_limit_mb: the largest single allocation. The sum
# of all that is live is watched by each target itself (tests/fuzz/heap_peak.h), to the byte and in
# proportion to the input; these limits also see what comes before and after the product's own code,
# and stop an allocation before it is made.
limits() {
  case $1 in
    # tree_builder.cc bounds the values, aliases written out. The largest allocation is a list of
    # aliases, of three bytes and 150 each, doubled as it grows.
    topology) echo -max_len=8192 -malloc_limit_mb=2 ;;
    # codec.h: a small multiple of the bytes. An array's header may claim as many entries as the
    # head has bytes, of 24 bytes each, rounded up to a power of two: 512 KiB for 16.
    wire) echo -max_len=16384 -malloc_limit_mb=1 ;;
    # state_dict.h: sizes are checked against the file. The largest allocation is the vector of a
    # tuple's items, of 8 bytes for each byte of the file, doubled as it grows.
    unpickler) echo -max_len=16384 -malloc_limit_mb=1 ;;
    # decode.h: caps before memory. 2^14 pixels of 4 bytes, libjpeg's coefficients of 8; the rest is
    # for libwebp's tables.
    image) echo -max_len=16384 -malloc_limit_mb=2 ;;
    # jpeg_reader.h: 8 bytes a block, and the tables. 2^16 pixels; libjpeg's coefficients of four
    # components, one allocation each.
    jpeg) echo -max_len=16384 -malloc_limit_mb=2 ;;
  esac
}

log=$(mktemp)
found=$(mktemp -d)
trap 'rm -rf "$log" "$found"' EXIT
if ! { cmake -S . -B build/fuzz -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DMILLRACE_FUZZ=ON \
         -DMILLRACE_MODELS=OFF && cmake --build build/fuzz --target "${targets[@]/%/_fuzz}"; } \
    >"$log" 2>&1; then
  cat "$log" >&2
  echo "fuzz.sh: cannot build the fuzz targets" >&2
  exit 1
fi

# A quarantine of 256 MiB, the default, would be all that the limit on resident memory sees.
export ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=16
export UBSAN_OPTIONS=print_stacktrace=1
findings=build/fuzz/findings
mkdir -p "$findings"
failed=()
for target in "${targets[@]}"; do
  binary=build/fuzz/tests/${target}_fuzz
  corpora=(tests/fuzz/corpora/"$target")
  # What is refused is a seed as well as what is taken.
  [ "$target" != topology ] || corpora+=(tests/common/config/wrong)
  mkdir "$found/$target"
  read -ra limits <<<"$(limits "$target")"
  printf 'fuzz: %s, %s s\n' "$target" "$seconds"
  if "$binary" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=512 "${limits[@]}" \
    -print_final_stats=1 -artifact_prefix="$findings/$target-" \
    "$found/$target" "${corpora[@]}" >"$log" 2>&1; then
    sed -n 's/^stat::number_of_executed_units: *\(.*\)/  \1 inputs, no finding/p' "$log"
    continue
  fi
  failed+=("$target")
  # The finding and how to see it again, without the lines of progress before it.
  grep -Ev '^#[0-9]+|^INFO: |^	(NEW|DE)' "$log" >&2 || true
  artifact=$(sed -n 's/^artifact_prefix=.*Test unit written to //p' "$log" | tail -1)
  echo "fuzz.sh: $target: the input is ${artifact:-not known: see above}" >&2
  [ -z "$artifact" ] || echo "  again: $binary ${limits[*]} -rss_limit_mb=512 $artifact" >&2
done
[ ${#failed[@]} -eq 0 ] || { echo "fuzz.sh: findings in ${failed[*]}" >&2; exit 1; }
