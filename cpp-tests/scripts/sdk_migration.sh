#!/usr/bin/env bash
# The example of the migration from the SDK: with its two commented-out lines restored it is a program of the SDK
# alone, which must compile too; the program itself downloads the right file, or prints the SDK's code.
#
#   sdk_migration.sh SOURCE PROGRAM LOCAL-OSS C++-COMPILER SDK-INCLUDE-DIRECTORY
set -euo pipefail
source=$1 program=$2 local_oss=$3 cxx=$4 sdk=$5
source "$(dirname "$0")/with_server.sh"
start_server "$local_oss" --access-key-id id --access-key-secret secret

# Each commented-out line replaces the line below it.
awk '/^ *\/\/ (#include <alibabacloud|OssClient client\()/ { sub(/\/\/ /, ""); print; getline; next } { print }' \
    "$source" >"$scratch/before.cpp"
changed=$(grep -v '^ *//' "$source" | diff - <(grep -v '^ *//' "$scratch/before.cpp") | grep -c '^>' || true)
[ "$changed" -eq 2 ] || { echo "$changed lines are changed, not 2"; exit 1; }
! grep -q oss_resumable:: "$scratch/before.cpp" || { echo "the former program still uses the library"; exit 1; }
"$cxx" -std=c++11 -Wall -Wextra -Werror -isystem "$sdk" -fsyntax-only "$scratch/before.cpp"

export OSS_ACCESS_KEY_ID=id OSS_ACCESS_KEY_SECRET=secret
"$program" "$endpoint" cn-hangzhou examplebucket generated/20MB "$scratch/file" "$scratch"
"$local_oss" pattern --size 20MB --verify "$scratch/file"

said=$("$program" "$endpoint" cn-hangzhou examplebucket missing "$scratch/none" "$scratch") && exit 1
[[ $said == *code:NoSuchKey,message:*requestId:?* ]] || { echo "it said: $said"; exit 1; }
