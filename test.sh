#!/usr/bin/env bash
# Installs what the tests need (root or sudo), builds build/release and runs the tests.
#
#   ./test.sh [CTEST OPTIONS]     e.g.  ./test.sh -R broker      ./test.sh -L unit --rerun-failed
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

scripts/install-deps.sh build test
cmake --preset release
cmake --build --preset release
exec ctest --preset release "$@"
