#!/usr/bin/env bash
# The library never prints anything.
#
#   silent.sh LOCAL-OSS PROGRAM
set -uo pipefail
source "$(dirname "$0")/with_server.sh"
start_server "$1"
RUST_BACKTRACE=1 "$2" "$endpoint" "$scratch" >"$scratch/stdout" 2>"$scratch/stderr" || {
    echo "FAILED: a download did not end as expected"
    exit 1
}
cat "$scratch/stdout" "$scratch/stderr"
[ ! -s "$scratch/stdout" ] && [ ! -s "$scratch/stderr" ]
