#!/usr/bin/env bash
# Builds the library and the measuring programs, then runs benches/run.py with the given arguments.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=build/bench
prefix=$PWD/$tools/prefix
mkdir -p "$tools"

scripts/build.sh -DOSS_RESUMABLE_BUILD_TESTS=OFF
cmake --install build --prefix "$prefix" >"$tools/install.log"
for program in floor measure random_file; do
    cc -std=c11 -D_GNU_SOURCE -O2 -pthread "benches/$program.c" -o "$tools/$program"
done
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
# shellcheck disable=SC2046
for program in download small; do
    cc -std=c11 -O2 "benches/$program.c" -o "$tools/$program" \
        $(pkg-config --cflags --libs oss_resumable) -Wl,-rpath,"$prefix/lib"
done

PYTHONDONTWRITEBYTECODE=1 exec python3 benches/run.py "$@"
