#!/usr/bin/env bash
# Builds the image, runs docker-compose.yml's demo with two preprocess replicas and looks at its
# report. Needs a Docker engine; leaves nothing but the image behind.
#
#   scripts/test-compose.sh [--no-build]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=(--build)
[ "${1:-}" != --no-build ] || build=()

compose=(docker-compose)
command -v docker-compose >/dev/null || compose=(docker compose)
compose+=(-p "millrace-test-$$")

log=$(mktemp)
cleanup() {
  "${compose[@]}" down -v >/dev/null 2>&1 || true
  rm -f "$log"
}
trap cleanup EXIT

fail() {
  cat "$log" >&2
  echo "test-compose.sh: $*" >&2
  exit 1
}

"${compose[@]}" up "${build[@]}" --exit-code-from demo >"$log" 2>&1 || fail "the demo exited with $?"

# A line of the log reads "demo_1  | TEXT", with colours or without.
report=$(sed -n 's/^[^|]*demo[^|]*|\(\x1b\[0m\)\{0,1\} //p' "$log" | sed -n '/^{$/,/^}$/p')
number() { sed -n "s/^ *\"$1\": \([0-9]*\),\$/\1/p" <<<"$report"; }
[ -n "$report" ] || fail 'the demo printed no report'

pictures=$(find examples -type f ! -name README.md ! -name broken.jpg | wc -l)
[ "$(number scanned)" -eq $((pictures + 2)) ] || fail 'not every file was scanned'
[ "$(number ok)" -eq "$pictures" ] || fail 'a picture is missing'
[ "$(number failed)" -eq 1 ] || fail 'broken.jpg did not fail'
[ "$(number skipped)" -eq 1 ] || fail 'README.md was not skipped'
# By containers: the run may be over before the second has said hello.
[ "$("${compose[@]}" ps -a -q preprocess | wc -l)" -eq 2 ] || fail 'preprocess had not two replicas'

echo "$report"
