#!/usr/bin/env bash
# The list in StaticLibraries.cmake, used by the .pc file and the static target, is the one that rustc prints.
#
#   static_libraries.sh SOURCE-DIRECTORY CARGO TARGET-DIRECTORY LIST CARGO-FLAGS...
set -euo pipefail
source=$1 cargo=$2 target=$3 list=$4
shift 4
# rustc prints the list only when it actually compiles.
output=$(cd "$source" && CARGO_TARGET_DIR=$target "$cargo" rustc --package=oss-resumable --lib \
    --crate-type=staticlib "$@" -- --print=native-static-libs --cfg="asked_$$" 2>&1)
printed=$(sed -n 's/^note: native-static-libs: //p' <<<"$output")
[ -n "$printed" ] || { echo "rustc printed no list:"; echo "$output"; exit 1; }
rustc_list=$(tr ' ' '\n' <<<"$printed" | sed 's/^-l//' | LC_ALL=C sort -u)
ours=$(tr ' ' '\n' <<<"curl ssl crypto $list" | LC_ALL=C sort -u)
diff <(echo "$rustc_list") <(echo "$ours")
