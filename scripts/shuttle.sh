#!/usr/bin/env bash
# Explores the possible schedules of threads with shuttle: the tests below `schedules`, with thousands of schedules
# each, many more with TEST_EFFORT=long. A separate build (cfg `shuttle`), in which src/sync exports shuttle's locks
# and channels.
# Prints "ok shuttle NAME" or "FAILED shuttle NAME" for each test, then "shuttle: N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."

logs=build/logs/shuttle
log=$logs/cargo-test.log
mkdir -p "$logs"
RUSTFLAGS="${RUSTFLAGS:-} --cfg shuttle" CARGO_TARGET_DIR=build/shuttle \
    cargo test --lib --locked schedul 2>&1 | tee "$log" | grep -v '^test .* ok$'
status=${PIPESTATUS[0]}

sed -n -e 's/^test \(.*\) - should panic \.\.\. ok$/ok shuttle \1/p; t' \
    -e 's/^test \(.*\) \.\.\. ok$/ok shuttle \1/p' \
    -e 's/^test \(.*\) \.\.\. FAILED$/FAILED shuttle \1/p' "$log" | tee "$logs/results"
passed=$(grep -c '^ok ' "$logs/results")
failed=$(grep -c '^FAILED ' "$logs/results")
if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$passed" -eq 0 ]; }; then
    echo "FAILED shuttle build"
    failed=1
fi
echo "shuttle: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
