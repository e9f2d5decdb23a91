#!/usr/bin/env bash
# Compiles each public header alone, included twice, under every language standard that programs may use.
#
#   headers.sh INCLUDE-DIRECTORY C-COMPILER C++-COMPILER
set -uo pipefail
include=$1 cc=$2 cxx=$3
failed=0 compiled=0

check() {
    local header=$1
    shift
    if ! printf '#include <oss_resumable/%s>\n#include <oss_resumable/%s>\n' "$header" "$header" |
        "$@" -Wall -Wextra -pedantic -Wundef -Wshadow -Wconversion -Werror -I"$include" -fsyntax-only -; then
        echo "FAILED: $header with $*"
        failed=1
    fi
    compiled=$((compiled + 1))
}

for standard in c99 c11 c17 c2x; do
    check oss_resumable.h "$cc" -x c -std="$standard"
done
for standard in c++11 c++14 c++17 c++20 c++2b; do
    check oss_resumable.h "$cxx" -x c++ -std="$standard"
    for header in "$include"/oss_resumable/*.hpp; do
        check "$(basename "$header")" "$cxx" -x c++ -std="$standard"
        check "$(basename "$header")" "$cxx" -x c++ -std="$standard" -fno-exceptions -fno-rtti
    done
done

# A gate that accepts everything is none: a planted mistake must be found.
if echo 'int f(void) { int unused; return 0; }' |
    "$cc" -x c -std=c99 -Wall -Werror -fsyntax-only - 2>/dev/null; then
    echo "FAILED: the compiler accepts a mistake"
    failed=1
fi
echo "$compiled compilations"
exit "$failed"
