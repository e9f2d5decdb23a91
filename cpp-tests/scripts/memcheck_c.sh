#!/usr/bin/env bash
# Runs the C example and a C program whose downloads fail in every way under valgrind.
#
#   memcheck_c.sh LOCAL-OSS EXAMPLE PROGRAM MEMCHECK …
set -uo pipefail
source "$(dirname "$0")/with_server.sh"
export OSS_ACCESS_KEY_ID=id OSS_ACCESS_KEY_SECRET=secret
local_oss=$1
start_server "$local_oss" --access-key-id id --access-key-secret secret
example=$2
program=$3
shift 3

expect_status() {
    local wanted=$1 got=0
    shift
    "$@" >"$scratch/output" 2>&1 || got=$?
    [ "$got" -eq "$wanted" ] && return
    cat "$scratch/output"
    echo "FAILED: status $got, not $wanted: $*"
    exit 1
}
at=("$endpoint" cn-hangzhou examplebucket)
expect_status 0 "$@" "$example" "${at[@]}" generated/3MiB "$scratch/file" "$scratch"
expect_status 1 "$@" "$example" "${at[@]}" missing "$scratch/file" "$scratch"
expect_status 2 "$@" "$example"

kill -KILL "$server_pid"
wait "$server_pid" 2>/dev/null
start_server "$local_oss"
expect_status 0 "$@" "$program" "$endpoint" "$scratch"
