#!/bin/sh
# Builds what is packaged, with its flags and by the counts of its own training, and lets it answer what the program
# of these tests answers. Usage: test_package.sh PAYTRIAGE SOURCE_DIR
set -eu
program=$1 source=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
fail() { echo "$1" >&2; exit 1; }

cd "$source"
cmake --preset package -B "$root/build" >/dev/null
cmake --build "$root/build" >"$root/log" || { cat "$root/log"; exit 1; }
packaged=$root/build/worker/paytriage

# Each part of the core has its counts, and none of it was compiled before them.
if grep -q 'CMAKE_C_COMPILER_ID "GNU"' "$root"/build/CMakeFiles/*/CMakeCCompiler.cmake; then
    for part in proto catalog; do
        counts=$(find "$root/build/profile" -name "$part#*.gcda" | head -1)
        [ -n "$counts" ] || fail "no counts of $part"
        early=$(find "$root/build/$part" -name '*.o' ! -newer "$counts")
        [ -z "$early" ] || fail "compiled before the counts: $early"
    done
fi

# What depends on the clock is left out.
answers() {
    cat tests/vectors/bodies/*.jsonl | "$1" classify --config none | sed 's/"\(decided\|next_at\|deadline\)_ms":[0-9]*//g'
}
answers "$program" >"$root/expected"
answers "$packaged" >"$root/actual"
cmp "$root/expected" "$root/actual"
echo "the packaged program answers $(wc -l <"$root/actual") responses alike"
