#!/usr/bin/env bash
# Checks for the tools that the other targets need; on Debian and Ubuntu installs missing ones.
# usage: scripts/deps.sh [build] [test] [bindings] [lint] [bench]      (no argument: build test lint)
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:$HOME/.cargo/bin

say() { printf 'deps: %s\n' "$*"; }
fail() {
    printf 'deps: %s\n' "$*" >&2
    exit 1
}

version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

check_rust() {
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
        fail "Rust $wanted or newer is needed and not found, neither on the PATH nor in" \
            "~/.cargo/bin. Install it from https://rustup.rs, then run this again."
    fi
    found=$(rustc --version | awk '{ print $2 }')
    version_at_least "$found" "$wanted" ||
        fail "Rust $wanted or newer is needed, this is $found. Try: rustup update stable"
}

# A compiler without its headers is useless, so the headers are part of the check.
has_c() { echo '#include <stdlib.h>' | cc -x c -fsyntax-only - 2>/dev/null; }
has_cxx() { echo '#include <string>' | c++ -x c++ -fsyntax-only - 2>/dev/null; }
has_cmake() {
    local found
    found=$(cmake --version 2>/dev/null | awk 'NR == 1 { print $3 }')
    version_at_least "${found:-0}" 3.16
}
has_program() { command -v "$1" >/dev/null; }
has_library() { pkg-config --atleast-version="$2" "$1" 2>/dev/null; }
has_authorities() { cat /etc/ssl/certs/ca-certificates.crt || cat /etc/pki/tls/certs/ca-bundle.crt; }
# Debian has a part of the module in a package of its own.
has_venv() { python3 -c "import ensurepip, venv"; }
# Debian keeps nginx in a directory that is not on every user's PATH.
has_nginx() { [ -x build/tools/nginx/usr/sbin/nginx ] || [ -x /usr/sbin/nginx ] || has_program nginx; }

# One line for each requirement: purpose | description | Debian package | check
needs() {
    cat <<'TABLE'
build|a C compiler|build-essential|has_c
build|a C++ compiler|build-essential|has_cxx
build|CMake 3.16 or newer|cmake|has_cmake
build|pkg-config|pkg-config|has_program pkg-config
build|libcurl 7.87 or newer, with headers|libcurl4-openssl-dev|has_library libcurl 7.87
build|OpenSSL 3 or newer, with headers|libssl-dev|has_library openssl 3.0
build|the certificates of the usual authorities|ca-certificates|has_authorities
test|clang|clang|has_program clang++
test|LLVM's linker|lld|has_program ld.lld
test|Ninja|ninja-build|has_program ninja
test|git|git|has_program git
test|file|file|has_program file
test|libabigail's tools|abigail-tools|has_program abidiff
test|GoogleTest|libgtest-dev|has_library gtest_main 1.10
test|fincore|util-linux-extra|has_program fincore
test|valgrind|valgrind|has_program valgrind
test|Python 3|python3|has_program python3
test|curl|curl|has_program curl
test|aria2|aria2|has_program aria2c
test|openssl|openssl|has_program openssl
bindings|clang|clang|has_program clang++
bindings|Python 3|python3|has_program python3
bindings|Python's module venv|python3-venv|has_venv
bindings|openssl|openssl|has_program openssl
bindings|unshare|util-linux|has_program unshare
lint|clang-format|clang-format|has_program clang-format
bench|Python 3|python3|has_program python3
bench|Python's module venv|python3-venv|has_venv
bench|curl|curl|has_program curl
bench|fio|fio|has_program fio
bench|aria2|aria2|has_program aria2c
bench|openssl|openssl|has_program openssl
TABLE
}

# Prints "description|package" for each requirement of the given purposes that is not met.
missing() {
    local purpose what package check
    while IFS='|' read -r purpose what package check; do
        case " $* " in *" $purpose "*) ;; *) continue ;; esac
        $check </dev/null >/dev/null 2>&1 || printf '%s|%s\n' "$what" "$package"
    done < <(needs) | sort -u
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif has_program sudo; then
        sudo "$@"
    else
        fail "root or sudo is needed to run: $*"
    fi
}

lists_fresh=no
refresh_lists() {
    [ "$lists_fresh" = yes ] && return
    say "apt-get update"
    as_root apt-get -qq update
    lists_fresh=yes
}

install_packages() {
    say "installing: $*"
    refresh_lists
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends "$@" </dev/null
}

# Unpacked and not installed: the Debian package would start a web server immediately and at every boot.
unpack_nginx() {
    local scratch
    refresh_lists
    say "unpacking nginx into build/tools/nginx"
    mkdir -p build/tools
    scratch=$(mktemp -d)
    chmod 755 "$scratch"
    (cd "$scratch" && apt-get -qq download nginx)
    dpkg-deb -x "$scratch"/nginx_*.deb build/tools/nginx
    rm -r "$scratch"
}

purposes="${*:-build test lint}"
check_rust

lacking=$(missing $purposes)
if [ -n "$lacking" ]; then
    printf '%s\n' "$lacking" | sed 's/|.*//; s/^/deps: missing: /'
    packages=$(printf '%s\n' "$lacking" | sed 's/.*|//' | sort -u)
    has_program apt-get ||
        fail "there is no apt-get here; install the above with this system's own tool" \
            "(Debian calls the packages:" $packages")"
    # shellcheck disable=SC2086
    install_packages $packages
    lacking=$(missing $purposes)
    [ -z "$lacking" ] ||
        fail "still missing after the installation, so this system's packages are too old:" \
            "$(printf '%s' "$lacking" | sed 's/|.*//' | paste -sd ';')"
fi

case " $purposes " in *" bench "* | *" test "*)
    if ! has_nginx; then
        has_program apt-get || fail "nginx is needed and missing, and there is no apt-get here"
        unpack_nginx
    fi
    ;;
esac
say "everything needed to $(printf '%s' "$purposes" | sed 's/ /, /g') is here"
