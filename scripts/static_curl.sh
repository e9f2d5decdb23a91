#!/usr/bin/env bash
# Runs all Rust tests with the libcurl that the feature static-curl bundles, in build/static-curl: the newest one,
# while the system's may be years old. Tries as many cases as `make test`.
# Prints "ok static-curl NAME" or "FAILED static-curl NAME" for each test, then "static-curl: N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."

logs=build/logs/static-curl
log=$logs/cargo-test.log
mkdir -p "$logs"
TEST_EFFORT='' CARGO_TARGET_DIR=build/static-curl \
    cargo test --workspace --features static-curl --locked --no-fail-fast 2>&1 | tee "$log" | grep -v '^test .* ok$'
status=${PIPESTATUS[0]}

sed -nE -e 's/^test (.*) - should panic \.\.\. ok$/ok static-curl \1/p; t' \
    -e 's/^test (.*) \.\.\. ok$/ok static-curl \1/p; t' \
    -e 's/^test (.*) \.\.\. FAILED$/FAILED static-curl \1/p' "$log" | tee "$logs/results"
passed=$(grep -c '^ok ' "$logs/results")
failed=$(grep -c '^FAILED ' "$logs/results")
if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$passed" -eq 0 ]; }; then
    echo "FAILED static-curl build"
    failed=1
fi
echo "static-curl: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
