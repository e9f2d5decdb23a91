#!/usr/bin/env bash
# A multi-config generator, an explicit Rust target and no network: one build directory contains the libraries of two
# configurations side by side, and each can be installed alone.
#
#   configurations.sh CMAKE BUILD-DIRECTORY LOCAL-OSS SOURCE-DIRECTORY
set -euo pipefail
cmake=$1 build=$2 local_oss=$3 source=$4
source "$source/cpp-tests/scripts/with_server.sh"
start_server "$local_oss"
export OSS_ACCESS_KEY_ID=id OSS_ACCESS_KEY_SECRET=secret

configure() {
    "$cmake" -S "$source" -B "$scratch/$1" -G "Ninja Multi-Config" \
        -DOSS_RESUMABLE_BUILD_EXAMPLES=OFF -DOSS_RESUMABLE_BUILD_COMMAND=OFF "-DOSS_RESUMABLE_CARGO_FLAGS=--locked;--offline"
    # Shared with the test's own build, so that compiled crates need not be compiled again.
    ln -s "$build/cargo" "$scratch/$1/cargo"
}

# Builds and installs one configuration, and a program that uses it. The library must be the one that cargo wrote to
# the given directory.
use() {
    local directory=$1 config=$2 made=$3
    local prefix=$scratch/$directory-$config
    "$cmake" --build "$scratch/$directory" --config "$config"
    "$cmake" --install "$scratch/$directory" --config "$config" --prefix "$prefix"
    cmp "$build/cargo/$made/liboss_resumable.so" "$prefix/lib/liboss_resumable.so"
    "$cmake" -S "$source/cpp-tests/consumer-cpp" -B "$prefix/consumer" \
        -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE="$config"
    "$cmake" --build "$prefix/consumer"
    "$prefix/consumer/consumer" "$endpoint" cn-hangzhou examplebucket generated/1000 "$scratch/file" "$scratch"
    "$local_oss" pattern --size 1000 --verify "$scratch/file"
    rm "$scratch/file"
}

configure both
use both Release release
use both Debug debug
cmp "$scratch/both/lib/Release/liboss_resumable.so" "$scratch/both-Release/lib/liboss_resumable.so"
if cmp -s "$scratch/both-Debug/lib/liboss_resumable.so" "$scratch/both-Release/lib/liboss_resumable.so"; then
    echo "both configurations gave one library"
    exit 1
fi

CARGO_BUILD_TARGET=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_BUILD_TARGET
configure named
use named Debug "$CARGO_BUILD_TARGET/debug"
unset CARGO_BUILD_TARGET

if "$cmake" -S "$source" -B "$scratch/refused" -DOSS_RESUMABLE_STATIC_CURL=ON -DOSS_RESUMABLE_STATIC=ON \
    >"$scratch/log" 2>&1 || ! grep -q 'not both' "$scratch/log"; then
    echo "a bundled libcurl in a static library was not refused:"
    cat "$scratch/log"
    exit 1
fi
