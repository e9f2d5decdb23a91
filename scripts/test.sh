#!/usr/bin/env bash
# Runs all tests and ends with one line "N passed, N failed". TEST_EFFORT=long tries more cases and adds the tests
# that take minutes.
# Logs are kept in build/logs. The exit status is 0 only if tests ran in every runner and none failed.
#
# Every runner has its own temporary directories, on the disk and in memory; files that it leaves in them are a
# failure.
set -uo pipefail
cd "$(dirname "$0")/.."

logs=build/logs
mkdir -p "$logs"
# docs/reliability.md must be checked with the logs of this run.
rm -rf "$logs"/*.log "${CARGO_TARGET_DIR:-target}/tmp/figures"
long=OFF
[ "${TEST_EFFORT:-}" = long ] && long=ON
source scripts/add_up.sh
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/oss-resumable-tests-XXXXXX")
TEST_MEMORY=$(mktemp -d /dev/shm/oss-resumable-tests-XXXXXX 2>/dev/null) || TEST_MEMORY=$TMPDIR
export TMPDIR TEST_MEMORY
# Some tests run programs as another user.
chmod 1777 "$TMPDIR" "$TEST_MEMORY"
trap 'rm -rf "$TMPDIR" "$TEST_MEMORY"' EXIT

step() { printf '\n== %s\n' "$*"; }

# Counts files that a runner left in its temporary directories as a failure, and removes them.
expect_no_temporary_files() {
    local what="$1 leaves no temporary file" left
    left=$(find "$TMPDIR" "$TEST_MEMORY" -mindepth 1 -printf '    %p, %s bytes, of %t\n' | sort -u)
    if [ -z "$left" ]; then
        echo "ok $what" | tee -a "$logs/temporary-files.log"
        passed=$((passed + 1))
    else
        printf 'FAILED %s:\n%s\n' "$what" "$left" | tee -a "$logs/temporary-files.log"
        failed=$((failed + 1))
        find "$TMPDIR" "$TEST_MEMORY" -mindepth 1 -delete
    fi
}

# What the C and C++ tests need. The release build of the command takes a minute and a half; its own tests run with the
# Rust tests.
build_for_c_tests=(scripts/build.sh -DOSS_RESUMABLE_BUILD_TESTS=ON -DOSS_RESUMABLE_LONG_TESTS=$long
    -DOSS_RESUMABLE_BUILD_COMMAND=$long
    -DOSS_RESUMABLE_BUILD_CORPUS=ON)

run_rust_tests() {
    local log=$logs/cargo-test.log status
    step "Rust tests"
    cargo test --workspace --locked --no-run || true
    # Many tests wait, for a time-out for example: the processors have time for a build.
    nice -n 19 "${build_for_c_tests[@]}" >/dev/null 2>&1 &
    RUST_TEST_THREADS=$(($(nproc) * 3 / 2)) cargo test --workspace --locked --no-fail-fast 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    wait
    add_up "cargo test" "$status" $(awk '
        /^test result: / {
            for (i = 2; i <= NF; i++) {
                if ($i == "passed;") passed += $(i - 1)
                if ($i == "failed;") failed += $(i - 1)
            }
        }
        END { print passed + 0, failed + 0 }' "$log")
    expect_no_temporary_files "cargo test"
}

run_c_tests() {
    local log=$logs/ctest.log status
    step "C and C++ tests"
    if ! "${build_for_c_tests[@]}"; then
        add_up "the build" 1 0 0
        return
    fi
    (cd build && ctest --output-on-failure --timeout 600 --parallel 2) 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    # Skipped tests are in neither number: only a line with "Passed" counts as passed.
    add_up "ctest" "$status" $(awk '
        $1 ~ /^[0-9]+\/[0-9]+$/ && $2 == "Test" && / Passed +[0-9.]+ sec/ { passed++ }
        /tests? failed out of / { for (i = 1; i <= NF; i++) if ($i == "failed") failed = $(i - 2) }
        END { print passed + 0, failed + 0 }' "$log")
    expect_no_temporary_files ctest
}

# A script that counts its own tests.
run_script() {
    local name=$1
    shift
    step "$name"
    run_counting "$name" "$logs/script-$name.log" "$@"
    expect_no_temporary_files "$name"
}

run_rust_tests
run_c_tests
run_script bench env PYTHONDONTWRITEBYTECODE=1 benches/tests.py
run_script bindings env BINDINGS_SKIP_NOTHING=1 scripts/test_bindings.sh
run_script shuttle scripts/shuttle.sh
if [ $long = ON ]; then
    run_script simulation scripts/simulation.sh
    run_script fuzz scripts/fuzz.sh 120
    run_script asan scripts/asan.sh
    run_script static-curl scripts/static_curl.sh
    run_script deb scripts/deb.sh
    run_script wheel scripts/wheel.sh
    run_script mutants scripts/mutants.sh
else
    run_script fuzz scripts/fuzz.sh 5
fi
run_script reliability scripts/reliability.py

printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
