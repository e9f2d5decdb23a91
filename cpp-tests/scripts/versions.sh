#!/usr/bin/env bash
# Every file that contains the version contains the same one.
#
#   versions.sh SOURCE-DIRECTORY BUILD-DIRECTORY VERSION
set -euo pipefail
source=$1 build=$2 version=$3
failed=0
agree() {
    local where=$1 found=$2
    [ "$found" = "$version" ] && return
    echo "FAILED: $where says '$found', CMake '$version'"
    failed=1
}
header=$source/include/oss_resumable/oss_resumable.h
number() { sed -n "s/^#define OSS_RESUMABLE_VERSION_$1 \([0-9]*\)$/\1/p" "$header"; }

agree Cargo.toml "$(sed -n 's/^version = "\(.*\)"/\1/p' "$source/Cargo.toml" | head -n 1)"
agree Cargo.lock "$(sed -n '/^name = "oss-resumable"$/{n;s/^version = "\(.*\)"/\1/p}' "$source/Cargo.lock")"
agree cli/Cargo.toml "$(sed -n 's/^version = "\(.*\)"/\1/p' "$source/cli/Cargo.toml" | head -n 1)"
agree "the header" "$(number MAJOR).$(number MINOR).$(number PATCH)"
agree "the pkg-config file" "$(sed -n 's/^Version: //p' "$build/oss_resumable.pc")"
agree "the CMake package" "$(sed -n 's/^set(PACKAGE_VERSION "\(.*\)")/\1/p' "$build/OssResumableConfigVersion.cmake")"
# A release is a heading; before it, "Unreleased" names the next version.
agree "the changelog" "$(grep -oE -m 1 '^## \[[0-9.]+\]|will be [0-9]+\.[0-9]+\.[0-9]+' "$source/CHANGELOG.md" |
    grep -oE '[0-9]+\.[0-9]+\.[0-9]+')"
exit "$failed"
