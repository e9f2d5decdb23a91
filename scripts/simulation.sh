#!/usr/bin/env bash
# Plays a million simulated lives of the driver, or as many as the first argument says. Prints "ok simulation TEST" or
# "FAILED simulation TEST" for each test of the simulator, then "simulation: N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."

gate=simulation
source scripts/tally.sh

export SIMULATED_LIVES=${1:-1000000}
run_cargo_tests cargo test --locked --profile simulation --lib -- transfer::simulation::
finish
