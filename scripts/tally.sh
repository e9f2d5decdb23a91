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
