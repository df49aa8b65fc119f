#!/usr/bin/env bash
# From a bare Debian 12 or 13 to face masks of the pictures in examples/: installs packages (needs
# root or sudo), builds, fetches the weights, runs. Running it again does only what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf '\n== %s\n' "$*" >&2; }

say 'Packages'
scripts/install-deps.sh build

say 'Building (build/release); the first time takes several minutes'
cmake --preset release >build-release.log 2>&1 || { cat build-release.log >&2; exit 1; }
rm -f build-release.log
cmake --build --preset release --target \
  millrace millrace-broker millrace-scanner millrace-preprocess millrace-inference \
  millrace-postprocess millrace-inspect
bin=build/release/bin

say 'Weights of the face parsing model'
if "$bin/millrace" model fetch bisenet-face; then
  topology=(face-parsing examples out --weights models/79999_iter.pth)
else
  echo 'Going on without them, with skin-tone in their place: it marks the colours of skin by' >&2
  echo 'published thresholds and knows nothing of faces.' >&2
  topology=(demo examples out)
fi

say "millrace run ${topology[*]}"
"$bin/millrace" run "${topology[@]}" --fail-on never

say 'The pictures are in out/, under the names they have in examples/:'
find out -path out/.millrace -prune -o -type f -print | sort >&2
echo 'The report is out/.millrace/report.json; what failed and why is in out/.millrace/failed.jsonl.' >&2
