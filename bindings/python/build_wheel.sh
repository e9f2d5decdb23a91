#!/usr/bin/env bash
# Builds the wheel, with a libcurl and an OpenSSL of its own, and prints its path. Takes some minutes the first time.
# Fails unless auditwheel gives it a manylinux tag, without adding a library, and it has at most 6 MiB.
set -euo pipefail
cd "$(dirname "$0")"
PATH=$PATH:$HOME/.cargo/bin
source ./venv.sh

rm -rf "$build/wheel"
mkdir -p "$build/wheel"
# Not what a test has set.
unset OSS_RESUMABLE_LIBRARY
python -m build --wheel --no-isolation --outdir "$build/wheel/plain" . >&2
auditwheel repair --strip --only-plat --wheel-dir "$build/wheel" "$build"/wheel/plain/*.whl >&2

wheel=$(echo "$build"/wheel/*-manylinux_*.whl)
if python -m zipfile --list "$wheel" | grep -q '\.libs/'; then
    echo "the library in $wheel needs another library that not every system has" >&2
    exit 1
fi
size=$(stat --format %s "$wheel")
if [ "$size" -gt $((6 * 1024 * 1024)) ]; then
    echo "$wheel has $size bytes, more than 6 MiB" >&2
    exit 1
fi
echo "$wheel"
