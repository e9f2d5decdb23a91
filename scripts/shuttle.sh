#!/usr/bin/env bash
# Explores the possible schedules of threads with shuttle: the tests below `schedules`, with thousands of schedules
# each, many more with TEST_EFFORT=long. A separate build (cfg `shuttle`), in which src/sync exports shuttle's locks
# and channels.
# Prints "ok shuttle NAME" or "FAILED shuttle NAME" for each test, then "shuttle: N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."

gate=shuttle
source scripts/tally.sh

run_cargo_tests env RUSTFLAGS="${RUSTFLAGS:-} --cfg shuttle" cargo test --lib --locked schedul
finish
