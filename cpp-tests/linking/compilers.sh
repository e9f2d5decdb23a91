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
failed=0 tried=0

# try COMPILER FLAG… with each of the SDK's libraries
try() {
    local sdk_library count
    for sdk_library in "${sdk_libraries[@]}"; do
        rm -rf "$scratch/files"
        mkdir "$scratch/files"
        tried=$((tried + 1))
        if "$@" -std=c++11 -Wall -Wextra -Werror -I"$source/include" -isystem "$sdk" \
            "$source/cpp-tests/linking/service.cpp" "$source/sdk/oss_resumable_sdk.cpp" -o "$scratch/service" \
            -Wl,@"$source/sdk/oss_resumable_sdk.wrap" "$sdk_library" -L"$library" -loss_resumable \
            -lcurl -lcrypto -lpthread -ldl -Wl,-rpath,"$library:$(dirname "$sdk_library")" &&
            "$scratch/service" "$scratch/files" >"$scratch/output" &&
            count=$(grep -c '^[a-z0-9-]* ok$' "$scratch/output") && [ "$count" -eq 9 ] &&
            [ "$(grep -c 'downloads by oss_resumable' "$scratch/output")" -eq 3 ]; then
            echo "ok: $* with $(basename "$sdk_library")"
        else
            echo "FAILED: $* with $sdk_library"
            cat "$scratch/output" || true
            failed=1
        fi
    done
}

sdk_libraries=("$@")
try g++ -O0
try g++ -O2 -flto
try g++ -O2 -fno-rtti -fno-exceptions -fvisibility=hidden
try g++ -O2 -fno-pie -no-pie
try clang++ -O0
try clang++ -O2 -flto -fuse-ld=lld
try clang++ -O2 -fno-rtti -fno-exceptions -fvisibility=hidden
echo "$tried programs"
exit "$failed"
