#!/bin/sh
# From a fresh Debian 12 to decisions on the screen: installs, builds, and runs `paytriage demo`.
# Arguments go to the demo; `--once` ends by itself.
set -eu
cd "$(dirname "$0")/.."
packaging/setup.sh build
cmake --preset release >/dev/null
cmake --build --preset release >/dev/null
exec build/release/worker/paytriage demo "$@"
