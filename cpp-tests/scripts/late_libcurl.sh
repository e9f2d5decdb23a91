#!/usr/bin/env bash
# A build without libcurl's development files says what to install, and the same command works once they are
# installed.
#
#   late_libcurl.sh SOURCE-DIRECTORY CARGO
#
# pkg-config searches only a directory of this test, which at first has everything but libcurl. The built crate has
# the library's build script and no code, so that only curl-sys and its dependencies are compiled.
set -euo pipefail
source=$1 cargo=$2
scratch=$(mktemp -d "${TMPDIR:-/tmp}/oss-resumable-test-XXXXXX")
trap 'rm -rf "$scratch"' EXIT

fail() { cat "$scratch/log"; echo "FAILED: $*"; exit 1; }

mkdir -p "$scratch/crate/src" "$scratch/pkgconfig"
: >"$scratch/crate/src/lib.rs"
cp "$source/Cargo.lock" "$scratch/crate"
cat >"$scratch/crate/Cargo.toml" <<CRATE
[workspace]
[package]
name = "late-libcurl"
version = "0.1.0"
edition = "2024"
build = "$source/build.rs"
[features]
static-curl = ["curl-sys/static-curl"]
[dependencies]
curl-sys = "*"
CRATE

IFS=: read -ra directories <<<"$(pkg-config --variable pc_path pkg-config):${PKG_CONFIG_PATH:-}"
for directory in "${directories[@]}"; do
    for file in "$directory"/*.pc; do
        [ ! -e "$file" ] || ln -sf "$file" "$scratch/pkgconfig"
    done
done
mv "$scratch/pkgconfig/libcurl.pc" "$scratch"
unset PKG_CONFIG_PATH
export PKG_CONFIG_LIBDIR=$scratch/pkgconfig CARGO_TARGET_DIR=$scratch/target
unset CARGO_BUILD_TARGET

# Offline: the library's own build has fetched everything.
build() { (cd "$scratch/crate" && "$cargo" build --offline) >"$scratch/log" 2>&1; }

build && fail "the build without libcurl succeeded"
grep -q 'libcurl4-openssl-dev' "$scratch/log" || fail "the build does not say what to install"
mv "$scratch/libcurl.pc" "$scratch/pkgconfig"
build || fail "the same build fails although libcurl is there now"
grep -q 'rustc-link-lib=curl' "$scratch"/target/debug/build/curl-sys-*/output ||
    fail "the build does not use the libcurl that was installed"
