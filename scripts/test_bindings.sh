#!/usr/bin/env bash
# Tests the bindings: what each has as bindings/NAME/test.sh, then the corpus in every language, and the comparison with
# the C header. Builds what they need. Logs are kept in build/logs.
#
# A language that cannot be tested here is named as skipped; with BINDINGS_SKIP_NOTHING=1 that is a failure.
set -uo pipefail
cd "$(dirname "$0")/.."
export PYTHONDONTWRITEBYTECODE=1

source scripts/add_up.sh
mkdir -p build/logs

run() {
    local name=$1
    shift
    printf '\n-- %s\n' "$name"
    run_counting "$name" "build/logs/bindings-$name.log" "$@"
}

# As cargo test builds them: with other features of dependencies the library would be built anew.
cargo build --workspace --locked --lib --bins --example corpus || exit
# The bindings' own tests wait for much: the processors have time for a build.
nice -n 19 scripts/build.sh -DOSS_RESUMABLE_BUILD_CORPUS=ON -- --target corpus_c corpus_cpp &
build=$!
for script in bindings/*/test.sh; do
    run "$(basename "$(dirname "$script")")" "$script"
done
wait "$build" || exit
for script in bindings/corpus/*/build.sh; do
    if [ -x "$script" ]; then
        "$script" || exit
    fi
done
run corpus bindings/corpus/run.py
run corpus-runner bindings/corpus/tests.py
run header bindings/check_header.py
run header-check bindings/header/tests.py

printf '\nall bindings: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
