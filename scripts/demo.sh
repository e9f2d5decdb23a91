#!/usr/bin/env bash
# Downloads 1 GiB from a local server, kills the program half-way, starts it again, and verifies the file.
set -euo pipefail
cd "$(dirname "$0")/.."

size=$((1024 * 1024 * 1024))
object=examplebucket/generated/1GiB
rate=50MB # bytes per second and connection, slow enough to be interrupted half-way

scratch=$(mktemp -d "${TMPDIR:-/tmp}/oss-resumable-demo-XXXXXX")
file=$scratch/1GiB
partial=$file.temp # the file's name until it is complete and verified
server_pid=
download_pid=

step() { printf '\n== %s\n' "$*"; }
fail() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}
mib() { printf '%d MiB' "$(($1 / 1048576))"; }

# Bash would report a killed child itself; this script prints its own messages.
stop() {
    [ -z "$1" ] && return
    kill -KILL "$1" 2>/dev/null || true
    { wait "$1"; } 2>/dev/null || true
}

clean_up() {
    stop "$download_pid"
    stop "$server_pid"
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

start_server() {
    : >"$scratch/server" # created before it is read
    build/local-oss --access-key-id demo-id --access-key-secret demo-secret --rate "$rate" \
        >"$scratch/server" 2>"$scratch/server.log" &
    server_pid=$!
    for _ in {1..100}; do
        endpoint=$(sed -n 's/^listening on //p' "$scratch/server")
        [ -n "$endpoint" ] && return
        kill -0 "$server_pid" 2>/dev/null || fail "the server ended: $(cat "$scratch/server.log")"
        sleep 0.1
    done
    fail "the server did not start within 10 s"
}

# In the background, so that a signal to this script ends it immediately.
start_download() {
    OSS_ACCESS_KEY_ID=demo-id OSS_ACCESS_KEY_SECRET=demo-secret \
        build/oss-resumable get --endpoint "$endpoint" --region cn-hangzhou \
        --connections 3 --json -o "$file" "oss://$object" >"$1" &
    download_pid=$!
}

# Counts allocated blocks and not the file's length: connections write at several offsets at once.
bytes_on_disk() { echo $(($(stat -c '%b * %B' "$partial" 2>/dev/null || echo 0))); }

kill_half_way() {
    start_download "$scratch/first-run"
    while [ "$(bytes_on_disk)" -lt $((size / 2)) ]; do
        kill -0 "$download_pid" 2>/dev/null || fail "the download ended before it could be killed"
        sleep 0.05
    done
    stop "$download_pid"
    download_pid=
}

# A number of the summary, the last line.
statistic() { sed -n '$s/.*"'"$1"'":\([0-9]*\).*/\1/p' "$scratch/second-run"; }

scripts/build.sh -DOSS_RESUMABLE_BUILD_TESTS=OFF -DOSS_RESUMABLE_BUILD_COMMAND=ON

step "Starting local-oss, a small OSS server, limited to $rate a second for each connection"
start_server
echo "it listens on $endpoint and accepts signed requests only"

step "Downloading oss://$object over 3 connections"
kill_half_way
on_disk=$(bytes_on_disk)
printf '\nkilled with SIGKILL; %s are on disk, %s does not exist yet\n' "$(mib "$on_disk")" "$file"
[ ! -e "$file" ] || fail "$file exists although the download was killed"

step "Starting the same command again"
start_download "$scratch/second-run"
wait "$download_pid" || fail "the second run failed: $(cat "$scratch/second-run")"
download_pid=

step "Proving the file: comparing every byte with what the server generates"
build/local-oss pattern --size "$size" --verify "$file"
[ ! -e "$partial" ] || fail "$partial was left behind"

reused=$(statistic bytes_reused)
fetched=$(statistic bytes_from_network)
[ "$reused" -gt 0 ] || fail "nothing was reused"
step "Done: the second run reused $(mib "$reused") and fetched $(mib "$fetched") of $(mib "$size")"
