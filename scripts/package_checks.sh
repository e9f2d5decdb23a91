# Sourced by the tests of a package in a bare root, after tally.sh, with the gate's name in $gate: a directory that is
# removed at the end, servers that are ended with it, and checks that keep a log.
source scripts/bare_root.sh

scratch=$(mktemp -d "${TMPDIR:-/tmp}/oss-resumable-$gate-XXXXXX")
root=$scratch/root
log=build/logs/$gate
servers=()
clean_up() {
    [ ${#servers[@]} -eq 0 ] || kill -KILL "${servers[@]}" 2>/dev/null
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir -p "$log"

# Counts a check, and shows its log if it failed.
check() {
    local what=$1 name=$2
    shift 2
    if "$@" >"$log/$name.log" 2>&1; then
        ok "$what"
    else
        tail -n 20 "$log/$name.log"
        fail "$what"
    fi
}

# Starts local-oss; prints where it listens.
start_server() {
    build/local-oss --access-key-id id --access-key-secret secret "${@:2}" >"$scratch/$1" 2>/dev/null &
    servers+=($!)
    # Bash would report its end.
    disown
    for _ in {1..100}; do
        grep -q '^listening on ' "$scratch/$1" && return
        sleep 0.1
    done
    return 1
}
endpoint() { sed -n 's/^listening on //p' "$scratch/$1"; }
