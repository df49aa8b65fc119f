#!/bin/sh
# Shows that the simulation can fail: breaks the code on purpose, in each of the ways that
# mutations/*.patch describe, and demands that the simulation says so.
#
#   tests/simulation/mutate.sh [NAME...]     all mutations, or those named (without .patch)
#
# Works on a copy of the tree. Ends with 1 where a mutant survives.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
schedules=${MILLRACE_SIM_SCHEDULES:-20000}
work=$(mktemp -d "${TMPDIR:-/tmp}/millrace-mutants.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree"
(cd "$root" && git ls-files -z | xargs -0 tar -cf - --ignore-failed-read 2>/dev/null) |
  tar -xf - -C "$work/tree"

if [ $# -eq 0 ]; then
  set -- $(cd "$here/mutations" && ls ./*.patch | sed 's|^\./||; s|\.patch$||')
fi
cmake -S "$work/tree" -B "$work/build" -G Ninja -DMILLRACE_MODELS=OFF >"$work/log" 2>&1 ||
  { cat "$work/log"; exit 2; }

simulate() {  # its verdict in $work/verdict; 0 where the simulation found nothing
  cmake --build "$work/build" --target simulation_test >"$work/log" 2>&1 ||
    { tail -30 "$work/log"; echo "mutate.sh: $1 does not build" >&2; exit 2; }
  MILLRACE_SIM_SCHEDULES=$schedules "$work/build/tests/simulation_test" \
    --test-case='whatever*' --no-colors >"$work/verdict" 2>&1
}

survivors=0
simulate "the tree as it is" || { cat "$work/verdict"; exit 2; }
printf '%-32s %s\n' mutation 'what the simulation says of it'
for name in "$@"; do
  patch -s -p1 --no-backup-if-mismatch -d "$work/tree" <"$here/mutations/$name.patch"
  if simulate "$name"; then
    survivors=$((survivors + 1))
    verdict="NOTHING: it survives $schedules schedules"
  else
    seed=$(sed -n 's/.*MILLRACE_SEED=//p' "$work/verdict" | head -1)
    verdict="$(sed -n 's/.*not so: //p' "$work/verdict" | head -1 | cut -c1-90) [seed ${seed:-none}]"
  fi
  printf '%-32s %s\n' "$name" "$verdict"
  patch -s -R -p1 --no-backup-if-mismatch -d "$work/tree" <"$here/mutations/$name.patch"
done
[ "$survivors" -eq 0 ] || { echo "mutate.sh: $survivors survive" >&2; exit 1; }
