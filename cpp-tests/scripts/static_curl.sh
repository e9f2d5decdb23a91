#!/usr/bin/env bash
# The library with a bundled libcurl: it needs no other, exports nothing of it, and does not affect the program's own.
#
#   static_curl.sh CMAKE LOCAL-OSS SOURCE-DIRECTORY CARGO-DIRECTORY
set -euo pipefail
cmake=$1 local_oss=$2 source=$3 cargo=$4
source "$source/cpp-tests/scripts/with_server.sh"
start_server "$local_oss"

mkdir -p "$cargo" "$scratch/build"
ln -s "$cargo" "$scratch/build/cargo"
"$cmake" -S "$source" -B "$scratch/build" -DCMAKE_BUILD_TYPE=Release -DOSS_RESUMABLE_STATIC_CURL=ON \
    -DOSS_RESUMABLE_BUILD_EXAMPLES=OFF -DOSS_RESUMABLE_BUILD_COMMAND=OFF
"$cmake" --build "$scratch/build"
"$cmake" --install "$scratch/build" --prefix "$scratch/prefix"
library=$scratch/prefix/lib/liboss_resumable.so

fail() { echo "FAILED: $*"; exit 1; }
readelf -d "$library" | grep -q 'NEEDED.*libcurl' && fail "it still needs a libcurl"
diff <(nm -D --defined-only "$library" | awk '{ print $3 }' | LC_ALL=C sort) "$source/cpp-tests/symbols.txt" ||
    fail "its exports are others"
[ ! -e "$scratch/prefix/lib/liboss_resumable.a" ] || fail "there is a static library"

export PKG_CONFIG_PATH=$scratch/prefix/lib/pkgconfig
# pkg-config's output must be split into words.
# shellcheck disable=SC2046
cc -std=c99 "$source/cpp-tests/programs/guest.c" $(pkg-config --cflags --libs oss_resumable libcurl libcrypto) \
    -pthread -Wl,-rpath,"$scratch/prefix/lib" -o "$scratch/guest"
"$scratch/guest" "$endpoint" "$scratch"
