#!/usr/bin/env bash
# Checks that the ABI declared by the header is the recorded one. UPDATE_ABI=1 records it again, after an intended
# change.
#
#   abi.sh HEADER SONAME RECORD SYMBOLS-FILE C-COMPILER
#
# libabigail does not read Rust's debugging information, so a library is made from the header: every function that it
# declares, with a trivial body. Other tests compare the real library's symbols and structs with the header.
set -euo pipefail
header=$1 soname=$2 record=$3 symbols=$4 cc=$5
scratch=$(mktemp -d "${TMPDIR:-/tmp}/oss-resumable-abi-XXXXXX")
trap 'rm -rf "$scratch"' EXIT

write_abi() {
    local from=$1 name=$2
    cp "$from" "$scratch/$name.h"
    python3 - "$scratch/$name.h" "$name.h" >"$scratch/$name.c" <<'PYTHON'
import re, sys
text = open(sys.argv[1]).read()
text = re.sub(r"/\*.*?\*/|^#.*?$", "", text, flags=re.S | re.M)
print('#include "%s"' % sys.argv[2])
for declaration in re.findall(r"^(?!typedef)[a-z][^;{}()]*\boss_resumable_\w+\([^;]*\);", text, re.M):
    print(declaration[:-1] + " { for (;;) { } }")
PYTHON
    # Compiled in place, so that the record contains no path of this machine.
    (cd "$scratch" && "$cc" -std=c11 -g -O0 -shared -fPIC -Wl,-soname,"$soname" "$name.c" -o "$name.so")
    abidw --no-corpus-path --no-comp-dir-path --no-show-locs "$scratch/$name.so" --out-file "$scratch/$name.abi"
}

write_abi "$header" now
found=$(grep -c '<function-decl ' "$scratch/now.abi")
[ "$found" -eq "$(wc -l <"$symbols")" ] || { echo "FAILED: $found functions were seen, $symbols has more or less"; exit 1; }

if [ -n "${UPDATE_ABI:-}" ]; then
    cp "$scratch/now.abi" "$record"
fi
abidiff --no-show-locs "$record" "$scratch/now.abi" || {
    echo "FAILED: the ABI is not the recorded one; if that is meant, run the test again with UPDATE_ABI=1"
    exit 1
}

# Checks the check itself: a field that grows must be detected.
sed 's/uint32_t thread_num;/uint64_t thread_num;/' "$header" >"$scratch/changed"
cmp -s "$header" "$scratch/changed" && { echo "FAILED: there is no thread_num to change"; exit 1; }
write_abi "$scratch/changed" changed
if abidiff "$record" "$scratch/changed.abi" >/dev/null; then
    echo "FAILED: a changed field went unnoticed"
    exit 1
fi
