#!/usr/bin/env bash
# A program that knows the SDK alone downloads by the library, whatever compiles and links both: gcc and clang, with and
# without optimisation, link-time optimisation, exceptions and RTTI, position independence.
#
#   compilers.sh LOCAL-OSS SOURCE-DIRECTORY LIBRARY-DIRECTORY SDK-INCLUDE-DIRECTORY SDK-LIBRARY…
set -euo pipefail
local_oss=$1 source=$2 library=$3 sdk=$4
shift 4
source "$(dirname "$0")/../scripts/with_server.sh"
start_server "$local_oss" --access-key-id id --access-key-secret secret
export OSS_ENDPOINT=$endpoint

# build COMPILER FLAG… with each of the SDK's libraries
build() {
    local sdk_library
    (cd "$scratch" && "$@" -std=c++11 -Wall -Wextra -Werror -I"$source/include" -isystem "$sdk" \
        -c "$source/cpp-tests/linking/service.cpp" "$source/sdk/oss_resumable_sdk.cpp")
    for sdk_library in "${sdk_libraries[@]}"; do
        "$@" "$scratch/service.o" "$scratch/oss_resumable_sdk.o" -o "$scratch/service" \
            -Wl,@"$source/sdk/oss_resumable_sdk.wrap" "$sdk_library" -L"$library" -loss_resumable \
            -lcurl -lcrypto -lpthread -ldl -Wl,-rpath,"$library:$(dirname "$sdk_library")"
        expect_the_library "$* with $(basename "$sdk_library")"
    done
}

expect_the_library() {
    rm -rf "$scratch/files"
    mkdir "$scratch/files"
    "$scratch/service" "$scratch/files" >"$scratch/output"
    if [ "$(grep -c '^[a-z0-9-]* ok$' "$scratch/output")" -ne 9 ] ||
        [ "$(grep -c 'downloads by oss_resumable' "$scratch/output")" -ne 3 ]; then
        echo "FAILED: $1"
        cat "$scratch/output"
        exit 1
    fi
    echo "ok: $1"
}

sdk_libraries=("$@")
build g++ -O0
build g++ -O2 -flto=1
build g++ -O2 -fno-rtti -fno-exceptions -fvisibility=hidden
build g++ -O2 -fno-pie -no-pie
build clang++ -O0
build clang++ -O2 -flto -fuse-ld=lld -Wno-unused-command-line-argument
build clang++ -O2 -fno-rtti -fno-exceptions -fvisibility=hidden
