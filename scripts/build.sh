#!/usr/bin/env bash
# Builds everything in build/ as a release. Arguments are passed to CMake's configuration, those behind -- to its build.
# Prints nothing unless it fails.
set -uo pipefail
cd "$(dirname "$0")/.."

log=build/logs/build.log
mkdir -p build/logs
echo "building; this takes some minutes the first time (log: $log)"
options=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    options+=("$1")
    shift
done
build() {
    cmake -S . -B build -DCMAKE_BUILD_TYPE=Release "${options[@]}" &&
        cmake --build build --parallel 2 "${@:2}"
}
if ! build "$@" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "the build failed; the whole log is in $log" >&2
    exit 1
fi
