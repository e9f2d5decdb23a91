#!/usr/bin/env bash
# Programs build with the installed library in every supported way, and run.
#
#   consumers.sh CMAKE BUILD-DIRECTORY LOCAL-OSS SOURCE-DIRECTORY SDK-INCLUDE-DIRECTORY SDK-LIBRARY
set -euo pipefail
cmake=$1 build=$2 local_oss=$3 source=$4 sdk_include=$5 sdk_library=$6
here=$source/cpp-tests
source "$here/scripts/with_server.sh"
export OSS_ACCESS_KEY_ID=id OSS_ACCESS_KEY_SECRET=secret
start_server "$local_oss" --access-key-id id --access-key-secret secret

# Installed to one directory and moved to another: nothing may depend on the first.
"$cmake" --install "$build" --prefix "$scratch/first" >/dev/null
mv "$scratch/first" "$scratch/prefix"
prefix=$scratch/prefix

run() {
    local name=$1
    shift
    local file=$scratch/$name.out
    "$@" "$endpoint" cn-hangzhou examplebucket generated/100000 "$file" "$scratch"
    "$local_oss" pattern --size 100000 --verify "$file" >/dev/null
    echo "ok: $name"
}

configure_and_build() {
    local project=$1 directory=$2
    shift 2
    "$cmake" -S "$here/$project" -B "$directory" "$@" >"$scratch/log" 2>&1 &&
        "$cmake" --build "$directory" >>"$scratch/log" 2>&1 || { cat "$scratch/log"; return 1; }
}

test -L "$prefix/lib/liboss_resumable.so"
test -L "$prefix/lib/$(readlink "$prefix/lib/liboss_resumable.so")"

configure_and_build consumer-c "$scratch/c" -DCMAKE_PREFIX_PATH="$prefix"
run find_package-c99-shared "$scratch/c/consumer-shared"
run find_package-c99-static "$scratch/c/consumer-static"
readelf -d "$scratch/c/consumer-static" | grep -q liboss_resumable && { echo "not static"; exit 1; }

configure_and_build consumer-cpp "$scratch/cpp" -DCMAKE_PREFIX_PATH="$prefix"
run find_package-c++11-shared "$scratch/cpp/consumer"
run find_package-c++11-static "$scratch/cpp/consumer-static"

# A program that knows the OSS C++ SDK alone.
linked() {
    local name=$1
    OSS_ENDPOINT=$endpoint "$2" "$scratch" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
    if [ "$(grep -c ' ok$' "$scratch/log")" -ne 9 ] || ! grep -q 'downloads by oss_resumable' "$scratch/log"; then
        cat "$scratch/log"
        exit 1
    fi
    echo "ok: $name"
}
configure_and_build consumer-sdk "$scratch/sdk" -DCMAKE_PREFIX_PATH="$prefix" -DSDK="$sdk_include" -DSDK_LIBRARY="$sdk_library"
linked find_package-sdk-shared "$scratch/sdk/service"
linked find_package-sdk-static "$scratch/sdk/service-static"
readelf -d "$scratch/sdk/service-static" | grep -q liboss_resumable && { echo "not static"; exit 1; }

if configure_and_build consumer-cpp "$scratch/newer" -DCMAKE_PREFIX_PATH="$prefix" -DWANTED=0.99 >/dev/null; then
    echo "a version that is not installed was accepted"
    exit 1
fi

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
# pkg-config's output must be split into words.
# shellcheck disable=SC2046
cc -std=c99 "$source/examples/c/download.c" $(pkg-config --cflags --libs oss_resumable) \
    -Wl,-rpath,"$prefix/lib" -o "$scratch/pkg-shared"
run pkg-config-shared "$scratch/pkg-shared"

# The archive instead of the shared library, with the additional flags of --static.
# shellcheck disable=SC2046
cc -std=c99 "$source/examples/c/download.c" $(pkg-config --cflags oss_resumable) \
    "$prefix/lib/liboss_resumable.a" \
    $(pkg-config --static --libs oss_resumable | sed 's/-loss_resumable//') -o "$scratch/pkg-static"
readelf -d "$scratch/pkg-static" | grep -q liboss_resumable && { echo "not static"; exit 1; }
run pkg-config-static "$scratch/pkg-static"

# shellcheck disable=SC2046
c++ -std=c++11 -isystem "$sdk_include" "$here/linking/service.cpp" \
    "$(pkg-config --variable=sdkdir oss_resumable_sdk)/oss_resumable_sdk.cpp" \
    $(pkg-config --cflags --libs oss_resumable_sdk) "$sdk_library" -lcurl -lcrypto -lpthread \
    -Wl,-rpath,"$prefix/lib:$(dirname "$sdk_library")" -o "$scratch/pkg-sdk"
linked pkg-config-sdk "$scratch/pkg-sdk"
