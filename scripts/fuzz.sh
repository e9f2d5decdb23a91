#!/usr/bin/env bash
# Builds the fuzz targets with coverage and AddressSanitizer and runs each from its corpus in fuzz/corpus.
#
#   fuzz.sh SECONDS [TARGET …]     SECONDS for each target; all targets by default
#
# Works with a stable toolchain. New inputs are kept in build/fuzz/corpus, failing ones in build/fuzz/artifacts.
# Prints "ok fuzz TARGET" or "FAILED fuzz TARGET" for each, then "fuzz: N passed, N failed". The target
# planted_overflow must fail: it shows that coverage guides the fuzzer and that AddressSanitizer is active.
set -uo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?seconds for each target}
shift
host=$(rustc -vV | sed -n 's/^host: //p')
built=build/fuzz/target/$host/release
logs=build/logs/fuzz
mkdir -p "$logs" build/fuzz/artifacts

gate=fuzz
source scripts/tally.sh

# The same flags as cargo-fuzz. With an explicit target, build scripts and macros are built without them.
build() {
    local flags="--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module -Ccodegen-units=1"
    flags+=" -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
    flags+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
    RUSTC_BOOTSTRAP=1 RUSTFLAGS=$flags CARGO_TARGET_DIR=build/fuzz/target \
        cargo build --manifest-path fuzz/Cargo.toml --release --locked --bins --target "$host"
}

run() {
    local target=$1 found=build/fuzz/corpus/$1
    shift
    mkdir -p "$found"
    # Leaks are checked once, at the end: a check after each input would take most of the time.
    "$built/$target" "$found" "$@" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -detect_leaks=0 \
        -artifact_prefix="build/fuzz/artifacts/$target-" -print_final_stats=1 -verbosity=1 >"$logs/$target.log" 2>&1
}

# As many targets at the same time as there are processors.
run_all() {
    local target at_once
    at_once=$(nproc)
    for target in "$@"; do
        while [ "$(jobs -rp | wc -l)" -ge "$at_once" ]; do wait -n; done
        (
            run "$target" "fuzz/corpus/$target"
            echo $? >"$logs/$target.status"
        ) &
    done
    wait
}

report() {
    local target=$1
    if [ "$(cat "$logs/$target.status")" -eq 0 ]; then
        echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$logs/$target.log") runs"
        ok "$target"
    else
        tail -n 40 "$logs/$target.log"
        fail "$target"
    fi
}

prove_that_defects_are_found() {
    local target=planted_overflow
    rm -rf "build/fuzz/corpus/$target"
    if ! seconds=60 run "$target" && grep -q 'AddressSanitizer: heap-buffer-overflow' "$logs/$target.log"; then
        ok "$target is found"
    else
        tail -n 20 "$logs/$target.log"
        fail "$target is not found"
    fi
    rm -f "build/fuzz/artifacts/$target-"*
}

if ! build; then
    fail build
    finish
fi
targets=("$@")
if [ "$#" -eq 0 ]; then
    mapfile -t targets < <(basename -s .rs fuzz/fuzz_targets/*.rs | grep -v '^planted_')
    prove_that_defects_are_found
fi
run_all "${targets[@]}"
for target in "${targets[@]}"; do
    report "$target"
done
finish
