#!/bin/sh
# From a fresh Debian 12 to passed tests: installs, builds, and runs every suite as it is, under
# AddressSanitizer with UBSan, and under ThreadSanitizer; then every reader of foreign bytes is fuzzed for a
# minute. `packaging/test.sh dev` runs one preset.
set -eu
cd "$(dirname "$0")/.."
packaging/setup.sh test
for preset in ${*:-dev asan tsan fuzz}; do
    echo "== $preset"
    cmake --preset "$preset" >/dev/null
    cmake --build --preset "$preset"
    ctest --preset "$preset"
done
