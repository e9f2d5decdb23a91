# Sourced: starts local-oss on a free port with the given arguments, and stops it when the script ends. Sets endpoint
# and scratch (a directory that is removed).

scratch=$(mktemp -d "${TMPDIR:-/tmp}/oss-resumable-test-XXXXXX")
server_pid=
end_server() {
    if [ -n "$server_pid" ]; then
        # A TERM that arrives before the exec can be lost, and the wait would never end.
        kill -KILL "$server_pid" 2>/dev/null || true
        wait "$server_pid" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap end_server EXIT

start_server() {
    local binary=$1 tries
    shift
    : >"$scratch/server" # created before it is read
    "$binary" "$@" >"$scratch/server" &
    server_pid=$!
    for tries in {1..100}; do
        endpoint=$(sed -n 's/^listening on //p' "$scratch/server")
        [ -n "$endpoint" ] && return
        sleep 0.1
    done
    echo "local-oss did not start"
    exit 1
}
