#!/usr/bin/env bash
# Builds the library (including its Rust code) and the C and C++ tests with AddressSanitizer in build/asan, and runs
# them; leaks count as failures. Prints "ok asan TEST" or "FAILED asan TEST" for each, then "asan: N passed, N
# failed".
#
# Both use gcc's runtime: the shared library needs AddressSanitizer's functions, and the programs provide them.
set -uo pipefail
cd "$(dirname "$0")/.."

build=build/asan
logs=build/logs/asan
mkdir -p "$logs"
gate=asan
source scripts/tally.sh

# An explicit target keeps build scripts and macros uninstrumented.
build_all() {
    local flags="-fsanitize=address -fno-omit-frame-pointer -g1"
    export RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address
    cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Debug -DOSS_RESUMABLE_BUILD_TESTS=ON -DOSS_RESUMABLE_TEST_TIMEOUT=600 \
        -DOSS_RESUMABLE_CARGO_TARGET="$(rustc -vV | sed -n 's/^host: //p')" \
        -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags" &&
        cmake --build "$build" --parallel 2
}

# The library's own code must be instrumented, and an error in it must be found.
prove_that_rust_is_watched() {
    local log=$logs/planted.log program=$build/use_after_free
    if ! grep -q '__asan_report_load8' < <(nm -D --undefined-only "$build/lib/liboss_resumable.so"); then
        fail "the library is instrumented"
        return
    fi
    ok "the library is instrumented"
    if cc -fsanitize=address -Iinclude cpp-tests/programs/use_after_free.c -o "$program" -L"$build/lib" \
        -loss_resumable -Wl,-rpath,"$PWD/$build/lib" &&
        ! "$program" >"$log" 2>&1 && grep -q 'AddressSanitizer: heap-use-after-free' "$log" &&
        grep -q '#[0-3] .*src/capi/sized.rs' "$log"; then
        ok "a use after free in Rust is found"
    else
        tail -n 20 "$log"
        fail "a use after free in Rust is found"
    fi
}

run_tests() {
    local log=$logs/ctest.log tests_failed=0
    # Excluded are tests that do not access the library's memory: packaging, and valgrind; and those with LD_PRELOAD,
    # because the sanitizer's library must be the first. A process that exits during a download or with a client in
    # static storage, and a forked child, free nothing, so leaks are not checked there.
    local packaging='valgrind.*|economy|headers|library|abi|versions|consumers|static-libraries|late-libcurl|subdirectory|configurations|packages|linking-compilers|preload.*'
    local ending='Lifetime\.TheProcessMay.*|(.*/)?(Exit|Fork)\..*|.*DeathTest.*|linked-service-.*|linking-.*'
    (
        cd "$build" || exit
        ctest --output-on-failure --timeout 600 --parallel 2 --exclude-regex "^($packaging|$ending)$"
        ASAN_OPTIONS=detect_leaks=0 ctest --output-on-failure --timeout 600 --tests-regex "^($ending)$" \
            --exclude-regex "^($packaging)$"
    ) >"$log" 2>&1
    while read -r outcome name; do
        case $outcome in Passed) ok "$name" ;; *) fail "$name"; tests_failed=1 ;; esac
    done < <(sed -nE \
        -e 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]+) [. ]*( Passed).*/Passed \1/p; t' \
        -e 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]+) [. ]*\*\*\*.*/Failed \1/p' "$log")
    # All tests, and not only those that ran before a failure.
    if [ "$tests_failed" -eq 0 ] && [ "$(grep -c '^100% tests passed' "$log")" -eq 2 ]; then
        ok "all tests"
    else
        tail -n 60 "$log"
        fail "all tests"
    fi
}

if ! build_all >"$logs/build.log" 2>&1; then
    tail -n 40 "$logs/build.log"
    fail build
    finish
fi
prove_that_rust_is_watched
run_tests
finish
