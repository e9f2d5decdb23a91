#!/usr/bin/env bash
# Builds the measuring programs in build/bench. The library must be in build already. With the argument "bindings" also
# installs the Python package there, with the same library.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=build/bench
prefix=$PWD/$tools/prefix
mkdir -p "$tools"
cmake --install build --prefix "$prefix" >"$tools/install.log"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig

for program in floor measure random_file; do
    cc -std=c11 -D_GNU_SOURCE -O2 -pthread "benches/$program.c" -o "$tools/$program"
done
for program in download many; do
    # shellcheck disable=SC2046
    cc -std=c11 -O2 "benches/$program.c" -o "$tools/$program" \
        $(pkg-config --cflags --libs oss_resumable) -Wl,-rpath,"$prefix/lib"
done

if [ "${1:-}" = bindings ]; then
    python3 -m venv --clear "$tools/python"
    OSS_RESUMABLE_LIBRARY=$prefix/lib/liboss_resumable.so "$tools/python/bin/pip" install --quiet \
        --disable-pip-version-check ./bindings/python
fi

sdk=${ALIBABACLOUD_OSS_ROOT:-}
[ -n "$sdk" ] || exit 0
name=alibabacloud-oss-cpp-sdk
for library in "$sdk"/lib*/lib$name.so "$sdk"/lib*/lib$name.a "$sdk"/lib*/lib$name-static.a; do
    if [ -e "$library" ]; then
        exec c++ -std=c++11 -O2 benches/sdk_download.cpp -o "$tools/sdk_download" -isystem "$sdk/include" \
            "$library" -Wl,-rpath,"$(dirname "$library")" -lcurl -lcrypto -pthread
    fi
done
echo "bench: ALIBABACLOUD_OSS_ROOT=$sdk is not the prefix of an installed OSS C++ SDK: it has no lib$name" >&2
exit 1
