#!/bin/sh
# Installs into an empty folder, moves it, and builds the example against it from outside, by
# pkg-config and by CMake. Usage: test_install.sh BUILD_DIR SOURCE_DIR
set -eu
build=$1 source=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cmake --install "$build" --prefix "$root/first" >/dev/null
mv "$root/first" "$root/moved"
lib=$(dirname "$(find "$root/moved" -name libpaytriage.so)")
expected="dead_letter: change_instrument (decline_soft)"

check() {
    actual=$(LD_LIBRARY_PATH=$lib "$1")
    [ "$actual" = "$expected" ] || { echo "$1 printed '$actual' instead of '$expected'" >&2; exit 1; }
}

flags=$(PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --cflags --libs paytriage)
# shellcheck disable=SC2086
cc -Wall -Wextra -Werror "$source/clients/c/classify.c" -o "$root/by-pkg-config" $flags
check "$root/by-pkg-config"

cmake -S "$source/tests/install" -B "$root/build" -DCMAKE_PREFIX_PATH="$root/moved" \
      -DEXAMPLE="$source/clients/c/classify.c" >/dev/null
cmake --build "$root/build" >/dev/null
check "$root/build/classify"

"$root/moved/bin/paytriage" explain opn insufficient_fund >/dev/null
echo "the installed tree builds and runs the example"
