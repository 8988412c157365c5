#!/bin/sh
# clang-tidy over every C file of the product that the build compiles. Usage: tidy.sh SOURCE_DIR BUILD_DIR
set -eu
cd "$1"
# Options of GCC: Clang has no such one and says so for each file, or passes it over and warns.
database=$(mktemp -d)
trap 'rm -r "$database"' EXIT
sed 's/ -mmemset-strategy=[^ ]*//g' "$2/compile_commands.json" >"$database/compile_commands.json"
git ls-files -z 'proto/*.c' 'catalog/*.c' 'worker/*.c' |
    xargs -0 -P "$(nproc)" -n 4 clang-tidy -p "$database" --quiet --warnings-as-errors='*' --extra-arg=-Wno-ignored-optimization-argument
