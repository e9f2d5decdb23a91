#!/usr/bin/env bash
# Programs that know the SDK alone, run with the library linked or preloaded, and without it.
#
#   linking.sh LOCAL-OSS CASE ARGUMENT…
set -euo pipefail
local_oss=$1 case=$2
shift 2
source "$(dirname "$0")/../scripts/with_server.sh"
start_server "$local_oss" --log --access-key-id id --access-key-secret secret 2>/dev/null
export OSS_ENDPOINT=$endpoint
unset OSS_SDK_LOG_LEVEL OSS_RESUMABLE_SDK
downloads=(pooled{0..5} copy derived before-main)

fail() {
    echo "FAILED: $*"
    cat "$scratch/output" "$scratch/errors"
    exit 1
}

# Runs a program, which must end well whatever it downloads.
run() {
    "$@" >"$scratch/output" 2>"$scratch/errors" || fail "status $? of $*"
}
tells() { grep -q -- "$1" "$scratch/output" || fail "it does not tell: $1"; }
does_not_tell() { ! grep -q -- "$1" "$scratch/output" || fail "it tells: $1"; }

# The service's files are right, and its log tells that they are the library's. The client that is made before main is
# made before there is a log.
expect_the_library() {
    local name
    for name in "${downloads[@]}"; do
        tells "^$name ok$"
        "$local_oss" pattern --size 300000 --verify "$scratch/$name" >/dev/null || fail "$name is wrong"
    done
    tells '^missing NoSuchKey$'
    [ "$(grep -c 'downloads by oss_resumable' "$scratch/output")" -eq 3 ] || fail "three clients tell of it"
    does_not_tell 'by the SDK'
    [ ! -s "$scratch/errors" ] || fail "it writes to standard error"
}

# The SDK downloads by itself, if it is more than its shape.
expect_the_sdk() {
    local name
    does_not_tell 'by oss_resumable'
    for name in "${downloads[@]}"; do
        grep -Eq "^$name (ok|Shape)$" "$scratch/output" || fail "$name is not the SDK's"
    done
}

# Another C++ ABI than the default has a log of its own: only the environment's reaches both.
preload() {
    local library=$1
    shift
    OSS_SDK_LOG_LEVEL=warn run env LD_PRELOAD="$library" "$@"
}

case $case in
linked)
    run "$1" "$scratch"
    expect_the_library
    ;;
switched_off)
    for value in off OFF 0; do
        OSS_RESUMABLE_SDK=$value run "$1" "$scratch"
        expect_the_sdk
        tells 'by the SDK: OSS_RESUMABLE_SDK turns oss_resumable off'
    done
    rm "$scratch"/[a-z]*[0-9] "$scratch"/{copy,derived,before-main} 2>/dev/null || true
    OSS_RESUMABLE_SDK=on run "$1" "$scratch"
    expect_the_library
    ;;
unseen_client)
    run "$1" "$2" "$scratch"
    tells '^given \(Shape\|ok\)$' # the plugin's own copy of the SDK is not linked
    tells '^taken \(Shape\|ok\)$'
    tells 'by the SDK: oss_resumable did not see its constructor'
    ;;
linked_plugin)
    run "$1" "$2" "$scratch"
    tells '^own ok$'
    "$local_oss" pattern --size 300000 --verify "$scratch/own"
    ;;
linked_host)
    run "$1" "$2" "$scratch"
    for name in own given taken; do
        tells "^$name ok$"
        "$local_oss" pattern --size 300000 --verify "$scratch/$name"
    done
    [ "$(grep -c 'downloads by oss_resumable' "$scratch/output")" -eq 2 ] || fail "two clients tell of it"
    ;;
preloaded)
    run env LD_PRELOAD="$2" "$1" "$scratch"
    expect_the_library
    ;;
preloaded_off)
    OSS_RESUMABLE_SDK=off run env LD_PRELOAD="$2" "$1" "$scratch"
    expect_the_sdk
    ;;
preloaded_plugin)
    OSS_RESUMABLE_SDK=off run env LD_PRELOAD="$3" "$1" "$2" "$scratch"
    grep -Eq '^own (Shape|ok)$' "$scratch/output" || fail "the switch does not reach it"
    rm -f "$scratch/own"
    run env LD_PRELOAD="$3" "$1" "$2" "$scratch"
    tells '^own ok$'
    "$local_oss" pattern --size 300000 --verify "$scratch/own"
    ;;
preloaded_half)
    mkdir "$scratch/half"
    cp "$2" "$scratch/half/"
    preload "$scratch/half/$(basename "$2")" "$1" "$scratch"
    expect_the_sdk
    tells 'by the SDK: .*liboss_resumable_sdk_downloads.so'
    ;;
preloaded_other_sdk)
    preload "$2" "$1" "$scratch"
    expect_the_sdk
    cat "$scratch/errors" >>"$scratch/output"
    tells "by the SDK: .*$3"
    ;;
preloaded_without_sdk)
    for bind_now in "" 1; do
        LD_BIND_NOW=$bind_now preload "$1" sh -c 'ls / | cat'
        [ ! -s "$scratch/errors" ] || fail "it is noticed"
        [ "$(cat "$scratch/output")" = "$(ls /)" ] || fail "the output is another"
    done
    ;;
*) fail "there is no case $case" ;;
esac

