#!/usr/bin/env bash
# Builds the image, runs docker-compose.yml's demo with two preprocess replicas and looks at its
# report; then as the README says for a folder of one's own, as another user and into another folder;
# then without the weights that its topology asks for. Needs root and a Docker engine; leaves nothing
# but the image behind.
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
own=$(mktemp -d)
cleanup() {
  "${compose[@]}" down -v >/dev/null 2>&1 || true
  rm -rf "$log" "$own"
}
trap cleanup EXIT

fail() {
  cat "$log" >&2
  echo "test-compose.sh: $*" >&2
  exit 1
}

pictures=$(find examples -type f ! -name README.md ! -name broken.jpg | wc -l)
number() { sed -n "s/^ *\"$1\": \([0-9]*\),\$/\1/p" <<<"$report"; }

# Runs it as the environment says, and looks at the report.
demo() {
  "${compose[@]}" up "$@" --exit-code-from demo >"$log" 2>&1 || fail "the demo exited with $?"
  # A line of the log reads "demo_1  | TEXT", with colours or without.
  report=$(sed -n 's/^[^|]*demo[^|]*|\(\x1b\[0m\)\{0,1\} //p' "$log" | sed -n '/^{$/,/^}$/p')
  [ -n "$report" ] || fail 'the demo printed no report'
  [ "$(number scanned)" -eq $((pictures + 2)) ] || fail 'not every file was scanned'
  [ "$(number ok)" -eq "$pictures" ] || fail 'a picture is missing'
  [ "$(number failed)" -eq 1 ] || fail 'broken.jpg did not fail'
  [ "$(number skipped)" -eq 1 ] || fail 'README.md was not skipped'
}

demo "${build[@]}"
# By containers: the run may be over before the second has said hello.
[ "$("${compose[@]}" ps -a -q preprocess | wc -l)" -eq 2 ] || fail 'preprocess had not two replicas'

first=$report

# The volume of the state is the same, and the paths within the containers too: what was done into
# another folder, and as another user, is not done here.
mkdir "$own/masks" "$own/models"
chown 12345:12345 "$own/masks"
export OUT=$own/masks RUN_AS=12345:12345
demo
written=$(find "$own/masks" -path "$own/masks/.millrace" -prune -o -type f -print | wc -l)
[ "$written" -eq "$pictures" ] || fail "of $pictures pictures $written are in OUT"

# A stage that cannot start ends the run with its reason. Detached: else compose stops everything at
# the stage's first end.
export TOPOLOGY=face-parsing MODELS=$own/models
"${compose[@]}" up -d >"$log" 2>&1 || fail 'compose cannot start it without weights'
status=$(timeout 300 docker wait "$("${compose[@]}" ps -a -q demo)") || fail 'without weights it does not end'
"${compose[@]}" logs demo >"$log" 2>&1
[ "$status" -eq 3 ] || fail "without weights the demo exited with $status"
grep -q '/models/79999_iter.pth' "$log" || fail 'it was not said that the weights are missing'

echo "$first"
