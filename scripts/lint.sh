#!/usr/bin/env bash
# What is not tested but read: format, static analysis, shell.
#
#   scripts/lint.sh            format of every C++ file (seconds)
#   scripts/lint.sh --tidy     and clang-tidy over everything but the LibTorch code (minutes);
#                              needs build/release configured
#
# The format is that of clang-format 14 (Debian 12); later versions differ in a few places, so
# another version is refused rather than argued with.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wanted=14
formatter=$(command -v clang-format-$wanted || command -v clang-format || true)
if [ -z "$formatter" ] || ! "$formatter" --version | grep -q "version $wanted\."; then
  echo "lint.sh: needs clang-format $wanted (Debian 12: clang-format)" >&2
  exit 2
fi
git ls-files -z '*.cc' '*.h' | xargs -0 "$formatter" --dry-run --Werror

[ "${1:-}" = --tidy ] || exit 0
run-clang-tidy -p build/release -quiet -extra-arg=-Wno-unknown-warning-option \
  '/(broker|cli|common|stages/(scanner|preprocess|inspect|postprocess|inference/unpickler))/'
