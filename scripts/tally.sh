# Sourced by test scripts: counts the results of the gate $gate, prints one line "ok GATE WHAT" or "FAILED GATE WHAT"
# for each, and a final "GATE: N passed, N failed".

passed=0
failed=0
ok() {
    echo "ok $gate $*"
    passed=$((passed + 1))
}
fail() {
    echo "FAILED $gate $*"
    failed=$((failed + 1))
}
finish() {
    echo "$gate: $passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}
# Runs a cargo test command, in the build directory build/$gate, and counts each of its tests. The log and the results
# are kept in build/logs/$gate.
run_cargo_tests() {
    local logs=build/logs/$gate status
    mkdir -p "$logs"
    CARGO_TARGET_DIR=build/$gate "$@" 2>&1 | tee "$logs/cargo-test.log" | grep -v '^test .* ok$'
    status=${PIPESTATUS[0]}

    sed -nE -e "s/^test (.*) - should panic \.\.\. ok\$/ok $gate \1/p; t" \
        -e "s/^test (.*) \.\.\. ok\$/ok $gate \1/p; t" \
        -e "s/^test (.*) \.\.\. FAILED\$/FAILED $gate \1/p" "$logs/cargo-test.log" | tee "$logs/results"
    passed=$((passed + $(grep -c '^ok ' "$logs/results")))
    failed=$((failed + $(grep -c '^FAILED ' "$logs/results")))
    if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$passed" -eq 0 ]; }; then
        fail build
    fi
}
