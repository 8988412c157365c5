#!/bin/sh
# Every C file is laid out as clang-format does it, save that it leaves one space behind the star of a comment's line
# where we have two. Usage: check_format.sh SOURCE_DIR
set -eu
cd "$1"
command -v clang-format >/dev/null || { echo "skipped: there is no clang-format"; exit 77; }
git rev-parse --is-inside-work-tree >/dev/null 2>&1 || { echo "skipped: this is no checkout"; exit 77; }
git ls-files -z '*.c' '*.h' | xargs -0 clang-format --dry-run -Werror
if git grep -nE '^ \* [^ ]' -- '*.c' '*.h'; then
    echo "these lines of comments begin with one space"
    exit 1
fi
echo "$(git ls-files '*.c' '*.h' | wc -l) files are laid out as they should be"
