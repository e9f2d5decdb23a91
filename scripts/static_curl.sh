#!/usr/bin/env bash
# Runs all Rust tests with the libcurl that the feature static-curl bundles, in build/static-curl: the newest one,
# while the system's may be years old. Tries as many cases as `make test`.
# Prints "ok static-curl NAME" or "FAILED static-curl NAME" for each test, then "static-curl: N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."

gate=static-curl
source scripts/tally.sh

run_cargo_tests env TEST_EFFORT='' cargo test --workspace --features static-curl --locked --no-fail-fast
finish
