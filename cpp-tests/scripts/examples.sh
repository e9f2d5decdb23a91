#!/usr/bin/env bash
# The examples work as described: they download, resume after Ctrl-C, and fail with a message and an exit status.
#
#   examples.sh BUILD-DIRECTORY
set -euo pipefail
build=$1
source "$(dirname "$0")/with_server.sh"
export OSS_ACCESS_KEY_ID=id OSS_ACCESS_KEY_SECRET=secret
encrypted=$(cd "$(dirname "$0")/../../tests/data/encryption" && pwd)
start_server "$build/local-oss" --access-key-id id --access-key-secret secret --rate 8MB --folder "$encrypted"
tool=$build/examples/download

fail() { echo "FAILED: $*"; exit 1; }
expect_status() {
    local wanted=$1 got=0
    shift
    "$@" >"$scratch/out" 2>"$scratch/err" || got=$?
    [ "$got" -eq "$wanted" ] || { cat "$scratch/out" "$scratch/err"; fail "status $got, not $wanted: $*"; }
}
# Counts allocated blocks: the file's length is the offset of the last byte and not the number of bytes.
on_disk() { echo $(($(stat -c '%b * %B' "$scratch/big.temp" 2>/dev/null || echo 0))); }
verify() { "$build/local-oss" pattern --size "$1" --verify "$2" >/dev/null || fail "$2 is wrong"; }

for example in examples/c/download examples/simple; do
    rm -f "$scratch/file"
    expect_status 0 "$build/$example" "$endpoint" cn-hangzhou examplebucket generated/1MiB "$scratch/file" "$scratch"
    verify 1MiB "$scratch/file"
    expect_status 1 "$build/$example" "$endpoint" cn-hangzhou examplebucket missing "$scratch/file" "$scratch"
    grep -q 'NoSuchKey' "$scratch/err" || fail "$example does not name the error"
    grep -q 'requestId' "$scratch/err" || fail "$example does not give the request id"
done

# A download that is paused for longer than it takes, resumed, or cancelled during the pause.
for example in examples/c/pause examples/pause; do
    rm -f "$scratch/file"
    arguments=("$endpoint" cn-hangzhou examplebucket generated/8MiB "$scratch/file" "$scratch")
    { echo pause; sleep 2; echo cancel; } | expect_status 1 "$build/$example" "${arguments[@]}"
    grep -q 'Cancelled' "$scratch/err" || fail "$example was not cancelled: $(cat "$scratch/err")"
    { echo pause; sleep 0.5; echo resume; } | expect_status 0 "$build/$example" "${arguments[@]}"
    verify 8MiB "$scratch/file"
done

# They name the file after the key, in the current directory.
keys=(generated/1MiB.a generated/1MiB.b generated/1000.c)
for example in examples/c/event_queue examples/event_queue; do
    (cd "$scratch" && expect_status 0 "$build/$example" "$endpoint" cn-hangzhou examplebucket "${keys[@]}")
    for key in "${keys[@]}"; do
        grep -q "^$key: downloaded" "$scratch/out" || fail "$example does not report the end of $key"
    done
    verify 1MiB "$scratch/1MiB.a"
    verify 1MiB "$scratch/1MiB.b"
    verify 1000 "$scratch/1000.c"
    (cd "$scratch" && expect_status 1 "$build/$example" "$endpoint" cn-hangzhou examplebucket generated/1000 missing)
    grep -q '^generated/1000: downloaded' "$scratch/out" || fail "one failure ended the other download of $example"
    expect_status 2 "$build/$example"
done

# The server lists the files of its folder, whose names are those of the encrypted objects.
for example in examples/c/list examples/list; do
    expect_status 0 "$build/$example" "$endpoint" cn-hangzhou examplebucket cpp-v
    grep -Eq '^ *[0-9]+  cpp-v1-multipart$' "$scratch/out" || fail "$example does not list the object"
    ! grep -q python "$scratch/out" || fail "$example lists what has another prefix"
    expect_status 0 "$build/$example" "$endpoint" cn-hangzhou examplebucket gen
    grep -Eq '^ +generated/$' "$scratch/out" || fail "$example does not list what keys have in common"
    expect_status 1 "$build/$example" "$endpoint" cn-hangzhou anotherbucket ''
    grep -q 'NoSuchBucket' "$scratch/err" || fail "$example does not name the error"
    expect_status 2 "$build/$example"
done

# A second call fetches nothing. An object that fails, here because it is encrypted, does not stop the others.
for example in examples/c/prefix examples/prefix; do
    rm -rf "$scratch/all"
    mkdir "$scratch/all"
    expect_status 0 "$build/$example" "$endpoint" cn-hangzhou examplebucket READ "$scratch/all"
    cmp "$encrypted/README.md" "$scratch/all/README.md" || fail "$example saved something else"
    expect_status 0 "$build/$example" "$endpoint" cn-hangzhou examplebucket READ "$scratch/all"
    grep -q '^0 fetched, 1 unchanged, 0 failed' "$scratch/out" || fail "$example fetched it again"
    expect_status 1 "$build/$example" "$endpoint" cn-hangzhou examplebucket '' "$scratch/all"
    grep -q 'ClientSideEncrypted' "$scratch/err" || fail "$example does not name the error"
    [ -e "$scratch/all/first.pem" ] || fail "$example stopped at an error"
    expect_status 1 "$build/$example" "$endpoint" cn-hangzhou anotherbucket '' "$scratch/all"
    grep -q 'NoSuchBucket' "$scratch/err" || fail "$example does not name the error"
    expect_status 2 "$build/$example"
    rm -rf "$scratch/all"
done

# What is read while the file grows is the object, and so is the file.
for example in examples/c/follow examples/follow; do
    rm -f "$scratch/file"
    expect_status 0 "$build/$example" "$endpoint" cn-hangzhou examplebucket generated/8MiB "$scratch/file"
    verify 8MiB "$scratch/file"
    verify 8MiB "$scratch/out"
    expect_status 1 "$build/$example" "$endpoint" cn-hangzhou examplebucket missing "$scratch/file"
    grep -q 'NoSuchKey' "$scratch/err" || fail "$example does not name the error"
    expect_status 2 "$build/$example"
done

# A presigned URL (V1) of a key that is valid until a time.
presigned() {
    local signature
    signature=$(printf 'GET\n\n\n%s\n/examplebucket/%s' "$2" "$1" | openssl dgst -sha1 -hmac secret -binary |
        openssl base64 | sed 's/+/%2B/g; s,/,%2F,g; s/=/%3D/g')
    echo "$endpoint/examplebucket/$1?OSSAccessKeyId=id&Expires=$2&Signature=$signature"
}

# The URLs come from standard input. The first one has expired, so the second one is used.
for example in examples/c/url examples/url; do
    rm -f "$scratch/file"
    later=$(($(date +%s) + 600))
    { presigned generated/1MiB 1000000000; presigned generated/1MiB $later; } |
        expect_status 0 "$build/$example" "$scratch/file" "$scratch"
    verify 1MiB "$scratch/file"
    presigned missing $later | expect_status 1 "$build/$example" "$scratch/file" "$scratch"
    grep -q 'NoSuchKey' "$scratch/err" || fail "$example does not name the error"
    ! grep -q Signature "$scratch/err" || fail "$example shows the query"
    expect_status 2 "$build/$example"
done

# One line for each request.
for example in examples/c/trace examples/trace; do
    rm -f "$scratch/file"
    expect_status 0 "$build/$example" "$endpoint" cn-hangzhou examplebucket generated/32MiB "$scratch/file"
    [ "$(grep -c 206 "$scratch/out")" -ge 3 ] || fail "$example does not show each request: $(cat "$scratch/out")"
    expect_status 1 "$build/$example" "$endpoint" cn-hangzhou examplebucket missing "$scratch/file"
    grep -q 404 "$scratch/out" || fail "$example does not show the refused request"
done

# The file is there only if it has the digest.
"$build/local-oss" pattern --size 8MiB --output "$scratch/right"
sha256=$(sha256sum "$scratch/right" | cut -d ' ' -f 1)
for example in examples/c/digest examples/digest; do
    rm -f "$scratch/file"
    arguments=("$endpoint" cn-hangzhou examplebucket generated/8MiB "$scratch/file")
    expect_status 1 "$build/$example" "${arguments[@]}" "sha256:${sha256//[0-9]/0}"
    grep -q 'this is another file.*expected_sha256' "$scratch/err" || fail "$example does not tell why: $(cat "$scratch/err")"
    [ ! -e "$scratch/file" ] || fail "$example left another file"
    expect_status 0 "$build/$example" "${arguments[@]}" "sha256:$sha256"
    verify 8MiB "$scratch/file"
    expect_status 1 "$build/$example" "${arguments[@]}" sha256:abc
    grep -q 'is not a SHA-256' "$scratch/err" || fail "$example does not name the error"
    expect_status 2 "$build/$example"
done

at=(--endpoint "$endpoint" --region cn-hangzhou --part-size 1M)
expect_status 0 "$tool" --help
grep -q 'Exit status' "$scratch/out" || fail "--help does not list the exit statuses"
expect_status 2 "$tool"
expect_status 2 "$tool" --unknown oss://examplebucket/key
expect_status 2 "$tool" "${at[@]}" http://examplebucket/key
expect_status 1 "$tool" "${at[@]}" oss://examplebucket/missing "$scratch/file"
grep -q 'NoSuchKey.*oss://examplebucket/missing' "$scratch/err" || fail "the error does not name the object"

expect_status 1 "$tool" "${at[@]}" oss://examplebucket/cpp-v1-multipart "$scratch/plain"
grep -q 'ClientSideEncrypted' "$scratch/err" || fail "an encrypted object is not told as one"
expect_status 0 "$tool" "${at[@]}" --decryption-key "$encrypted/second.pem" oss://examplebucket/cpp-v1-multipart \
    "$scratch/plain"
verify 209807 "$scratch/plain"

# Background jobs of a script ignore SIGINT; the tool sets its own handler, which is what is tested.
"$tool" "${at[@]}" oss://examplebucket/generated/32MiB "$scratch/big" 2>"$scratch/err" &
pid=$!
until [ "$(on_disk)" -gt 8000000 ] ||
    ! kill -0 "$pid" 2>/dev/null; do
    sleep 0.05
done
kill -INT "$pid"
status=0
wait "$pid" || status=$?
[ "$status" -eq 130 ] || fail "Ctrl-C gave status $status: $(cat "$scratch/err")"
grep -q 'run the same command to resume' "$scratch/err" || fail "nothing said how to resume"
[ ! -e "$scratch/big" ] || fail "an interrupted download left the file in its place"

expect_status 0 "$tool" "${at[@]}" --stats oss://examplebucket/generated/32MiB "$scratch/big"
verify 32MiB "$scratch/big"
reused=$(awk '/^bytes reused/ { print $NF }' "$scratch/out")
[ "$reused" -ge 4000000 ] || fail "only $reused bytes were reused"
[ -z "$(find "$scratch" -name '*.temp' -o -name '*.oss-resumable')" ] || fail "something was left behind"
