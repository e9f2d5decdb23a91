#!/usr/bin/env bash
# Applies each bug of scripts/mutants to a copy of the tree and requires that a test fails because of it. With --check
# it only checks whether the patches still apply; with names it tries only those.
# Prints "ok mutant NAME" or "FAILED mutant NAME" for each, then "mutant: N passed, N failed".
#
# A bug is a patch. Its first line says what is wrong, and a line "Tests:" which tests find it quickly. Those in
# scripts/mutants/simulated must be found by 20,000 simulated lives.
set -euo pipefail
cd "$(dirname "$0")/.."

tree=build/mutants/tree
logs=build/mutants/logs
mutants=(scripts/mutants/*.patch scripts/mutants/simulated/*.patch)
lives=20000

name_of() { basename "$1" .patch; }
is_simulated() { [[ $1 == */simulated/* ]]; }
tests_of() { sed -n 's/^Tests: //p' "$1"; }

gate=mutant
source scripts/tally.sh

check() {
    local mutant
    for mutant in "${mutants[@]}"; do
        if git apply -p0 --check "$mutant"; then
            ok "$(name_of "$mutant") can be planted"
        else
            fail "$(name_of "$mutant") no longer fits the code: plant the same bug in what is there now"
        fi
    done
}

copy_tree() {
    rm -rf "$tree"
    mkdir -p "$tree" "$logs"
    git ls-files -z --cached --others --exclude-standard |
        tar --create --null --files-from=- --ignore-failed-read 2>/dev/null | tar --extract --directory="$tree"
    # An earlier build may contain a mutant, and be newer than the file from which it was built.
    sed -n "s|^+++ |$tree/|p" "${mutants[@]}" | xargs touch
}

# Tests that fail because of a bug may be killed and leave files behind.
make_temporary_directories() {
    TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/oss-resumable-mutants-XXXXXX")
    TEST_MEMORY=$(mktemp -d "${TEST_MEMORY:-/dev/shm}/oss-resumable-mutants-XXXXXX" 2>/dev/null) || TEST_MEMORY=$TMPDIR
    export TMPDIR TEST_MEMORY
    chmod 1777 "$TMPDIR" "$TEST_MEMORY"
    trap 'rm -rf "$TMPDIR" "$TEST_MEMORY"' EXIT
}

# Plays lives in the copy.
play_lives() {
    (cd "$tree" && CARGO_TARGET_DIR=../target SIMULATED_LIVES=$lives timeout 1200 cargo test --locked --profile simulation \
        --lib -- transfer::simulation::tests::lives_keep_every_promise --nocapture) >"$1" 2>&1
}

# Runs tests in the copy; the exit status is cargo's.
run_tests() {
    local log=$1
    shift
    (cd "$tree" && CARGO_TARGET_DIR=../target timeout 1200 cargo test --locked --no-fail-fast --lib --test it -- "$@") >"$log" 2>&1
}

failures_in() { sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$1" | sort -u; }

# Without a bug, the tests must pass.
expect_sound_tree() {
    local log=$logs/no-bug.log tests
    tests=$(for mutant in "${mutants[@]}"; do tests_of "$mutant"; done | xargs -n1 | sort -u)
    # shellcheck disable=SC2086  # several names
    if { [ -n "$tests" ] && ! run_tests "$log" $tests; } ||
        { [[ ${mutants[*]} == */simulated/* ]] && ! play_lives "$log"; }; then
        tail -n 40 "$log"
        fail "none: tests fail without any bug planted, see $log"
        finish
    fi
}

# Whether a test finds the bug; a mutant that does not build counts as a failure.
try() {
    local mutant=$1 name log
    name=$(name_of "$mutant")
    log=$logs/$name.log
    git apply -p0 --directory="$tree" "$mutant"
    if is_simulated "$mutant"; then
        play_lives "$log" || true
    else
        # shellcheck disable=SC2046
        run_tests "$log" $(tests_of "$mutant") || true
    fi
    git apply -p0 --directory="$tree" --reverse "$mutant"
    if ! grep -q '^test result: ' "$log"; then
        fail "$name was not tried: it does not build, see $log"
    elif [ -z "$(failures_in "$log")" ]; then
        fail "$name survived: $(head -n 1 "$mutant")"
    else
        ok "$name"
        failures_in "$log" | sed 's/^/    found by /'
    fi
}

check
[ "${1:-}" = --check ] || [ "$failed" -gt 0 ] && finish
if [ $# -gt 0 ]; then
    mutants=()
    for name in "$@"; do
        mutants+=("$(find scripts/mutants -name "$name.patch")")
    done
fi
make_temporary_directories
copy_tree
expect_sound_tree
for mutant in "${mutants[@]}"; do
    try "$mutant"
done
finish
