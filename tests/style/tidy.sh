#!/bin/sh
# clang-tidy over every C file of the product that the build compiles. Usage: tidy.sh SOURCE_DIR BUILD_DIR
set -eu
cd "$1"
# Clang has no such option, and says so for each file.
database=$(mktemp -d)
trap 'rm -r "$database"' EXIT
sed 's/ -mmemset-strategy=[^ ]*//g' "$2/compile_commands.json" >"$database/compile_commands.json"
git ls-files -z 'proto/*.c' 'catalog/*.c' 'worker/*.c' |
    xargs -0 -P "$(nproc)" -n 4 clang-tidy -p "$database" --quiet --warnings-as-errors='*'
