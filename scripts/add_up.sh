# Sourced by scripts that run others: adds their results up in $passed and $failed.

passed=0
failed=0

# A runner that failed without naming a failed test, or that ran nothing, counts as one failure.
add_up() {
    local runner=$1 status=$2 runner_passed=$3 runner_failed=$4
    if [ "$runner_failed" -eq 0 ] && [ "$status" -ne 0 ]; then
        echo "$runner ended with status $status before its tests were all run"
        runner_failed=1
    elif [ "$((runner_passed + runner_failed))" -eq 0 ]; then
        echo "$runner ran no test"
        runner_failed=1
    fi
    passed=$((passed + runner_passed))
    failed=$((failed + runner_failed))
}

# Runs a script that ends with a line "NAME: N passed, N failed", keeps its output in the file $2, and adds its results up.
run_counting() {
    local name=$1 log=$2 status
    shift 2
    "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    add_up "$name" "$status" $(awk '
        / [0-9]+ passed, [0-9]+ failed$/ { passed = $(NF - 3); failed = $(NF - 1) }
        END { print passed + 0, failed + 0 }' "$log")
}
