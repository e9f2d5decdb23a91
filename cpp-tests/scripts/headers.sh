#!/usr/bin/env bash
# Compiles each header alone and included twice, the public ones under every language standard that programs may use.
#
#   headers.sh INCLUDE-DIRECTORY C-COMPILER C++-COMPILER SDK-INCLUDE-DIRECTORY
set -uo pipefail
include=$1 cc=$2 cxx=$3 sdk=$4
failed=0 compiled=0

check() {
    local header=$1
    shift
    if ! printf '#include <oss_resumable/%s>\n#include <oss_resumable/%s>\n' "$header" "$header" |
        "$@" -Wall -Wextra -pedantic -Wundef -Wshadow -Wconversion -Werror -I"$include" -isystem "$sdk" -fsyntax-only -; then
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
    for header in oss_resumable.hpp oss_resumable_sdk.hpp; do
        check "$header" "$cxx" -x c++ -std="$standard"
        case $standard in
        c++11 | c++20) check "$header" "$cxx" -x c++ -std="$standard" -fno-exceptions -fno-rtti ;;
        esac
    done
done
# What those two are made of must at least include what it uses.
for header in "$include"/oss_resumable/*.hpp; do
    check "$(basename "$header")" "$cxx" -x c++ -std=c++11
done

# A gate that accepts everything is none: a planted mistake must be found.
if echo 'int f(void) { int unused; return 0; }' |
    "$cc" -x c -std=c99 -Wall -Werror -fsyntax-only - 2>/dev/null; then
    echo "FAILED: the compiler accepts a mistake"
    failed=1
fi
echo "$compiled compilations"
exit "$failed"
