# Sourced by scripts that test: counts under the name in $gate, one line for each "ok GATE WHAT" or "FAILED GATE WHAT",
# and a closing "GATE: N passed, N failed".

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
