#!/usr/bin/env bash
# The shared library exports exactly the symbols in symbols.txt, has its SONAME, and cannot be unloaded.
#
#   library.sh LIBRARY SONAME SYMBOLS-FILE HEADER
set -uo pipefail
library=$1 soname=$2 symbols=$3 header=$4
failed=0
complain() {
    echo "FAILED: $*"
    failed=1
}

exported=$(nm -D --defined-only "$library" | awk '{ print $3 }' | LC_ALL=C sort)
diff <(printf '%s\n' "$exported") "$symbols" || complain "exports (<) differ from $symbols (>)"

declared=$(grep -v '^ \*' "$header" | grep -Eo '\boss_resumable_[a-z0-9_]+\(' | tr -d '(' | LC_ALL=C sort -u)
diff <(printf '%s\n' "$declared") "$symbols" || complain "the header's functions (<) differ from $symbols (>)"

dynamic=$(readelf -d "$library")
grep -qF "Library soname: [$soname]" <<<"$dynamic" || complain "the SONAME is not $soname"
grep -q 'FLAGS_1.*NODELETE' <<<"$dynamic" || complain "NODELETE is not set"
grep -Eq 'RPATH|RUNPATH' <<<"$dynamic" && complain "there is a run path"
exit "$failed"
