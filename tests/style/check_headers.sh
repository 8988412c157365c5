#!/bin/sh
# Every header compiles on its own, and the ones that are installed do so in C++ too.
# Usage: check_headers.sh SOURCE_DIR C_COMPILER
set -eu
cd "$1"
compiler=$2
flags="-D_GNU_SOURCE -DPT_SOURCE_DIR=\"source\" -Wall -Wextra -Werror -fsyntax-only -Iproto"
for folder in catalog catalog/*/ worker worker/*/ worker/cmd/*/; do
    flags="$flags -I$folder"
done
flags="$flags $(pkg-config --cflags libczmq libzmq msgpack jansson yaml-0.1 cmocka)"
checked=0
for header in proto/*.h catalog/*.h catalog/*/*.h worker/*.h worker/*/*.h worker/cmd/*/*.h tests/*/*.h; do
    # shellcheck disable=SC2086
    "$compiler" -std=gnu11 $flags -I"$(dirname "$header")" -x c -include "$header" /dev/null
    # shellcheck disable=SC2086
    if grep -q "/$header" packaging/CMakeLists.txt && command -v g++ >/dev/null; then
        g++ -std=c++17 $flags -x c++ -include "$header" /dev/null
    fi
    checked=$((checked + 1))
done
[ "$checked" -ge 40 ]
echo "$checked headers compile on their own"
