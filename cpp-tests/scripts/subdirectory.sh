#!/usr/bin/env bash
# A program builds the library as a part of itself, with add_subdirectory and with FetchContent, and runs.
#
#   subdirectory.sh CMAKE BUILD-DIRECTORY LOCAL-OSS SOURCE-DIRECTORY CARGO-FLAGS
set -euo pipefail
cmake=$1 build=$2 local_oss=$3 source=$4 flags=$5
source "$source/cpp-tests/scripts/with_server.sh"
start_server "$local_oss"
export OSS_ACCESS_KEY_ID=id OSS_ACCESS_KEY_SECRET=secret

for fetch_content in OFF ON; do
    rm -rf "$scratch/build" "$scratch/prefix"
    "$cmake" -S "$source/cpp-tests/consumer-subdirectory" -B "$scratch/build" -DCMAKE_BUILD_TYPE=Debug \
        -DLIBRARY_SOURCE="$source" -DWITH_FETCH_CONTENT=$fetch_content -DOSS_RESUMABLE_CARGO_FLAGS="$flags"
    # cargo's results are shared with the test's own build, so that the same sources need not be compiled again.
    mkdir -p "$scratch/build/library"
    ln -s "$build/cargo" "$scratch/build/library/cargo"
    "$cmake" --build "$scratch/build"
    [ ! -e "$scratch/build/library/examples" ] || { echo "a part builds no examples"; exit 1; }
    "$scratch/build/consumer" "$endpoint" cn-hangzhou examplebucket generated/1000 "$scratch/file" "$scratch"
    "$local_oss" pattern --size 1000 --verify "$scratch/file"
    "$cmake" --install "$scratch/build" --prefix "$scratch/prefix"
    [ ! -e "$scratch/prefix/lib" ] || { echo "a part installs nothing of its own"; exit 1; }
done
