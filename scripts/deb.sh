#!/usr/bin/env bash
# Installs the package of the command in a root directory that has nothing but its dependencies, and downloads with it over
# HTTP and HTTPS from a server on this machine. Needs the distribution's archive, and root or user namespaces.
# Prints "ok deb WHAT" or "FAILED deb WHAT" for each check, then "deb: N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."

gate=deb
source scripts/tally.sh
source scripts/package_checks.sh

build_package() {
    scripts/build.sh -DOSS_RESUMABLE_BUILD_COMMAND=ON && mkdir "$scratch/packages" &&
        (cd build && cpack -G DEB -B "$scratch/packages") &&
        deb=$(echo "$scratch"/packages/oss-resumable_*.deb) && [ -f "$deb" ]
}

# Nothing that is not meant to be there could make the command work.
is_bare() {
    local found
    found=$(find "$root" \( -name '*.h' -o -name '*.so' -path '*curl*' -o -name 'cc' -o -name 'liboss*' \) | head)
    echo "found: $found"
    [ -z "$found" ] && [ ! -e "$root/usr/bin/oss-resumable" ] && [ ! -e "$root/usr/local/bin/oss-resumable" ]
}

install_package() {
    cp "$deb" "$root/tmp/package.deb" && in_bare_root "$root" dpkg --install /tmp/package.deb &&
        in_bare_root "$root" dpkg --verify oss-resumable
}

in_root() {
    in_bare_root "$root" env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/root \
        OSS_ACCESS_KEY_ID=id OSS_ACCESS_KEY_SECRET=secret OSS_REGION=cn-hangzhou "$@"
}

# Downloads from a server, and compares the file with what the server has generated.
download() {
    local name=$1
    shift
    in_root oss-resumable get --endpoint "$(endpoint "$name")" -o "/tmp/$name" "$@" \
        oss://examplebucket/generated/20MB-seed7 &&
        build/local-oss pattern --size 20MB --seed 7 --verify "$root/tmp/$name"
}

is_refused() {
    trust_authorities "$root" "$root"/usr/share/ca-certificates/mozilla/*.crt || return
    ! in_root oss-resumable get --endpoint "$(endpoint https)" -o /tmp/refused oss://examplebucket/generated/1 &&
        grep -qi certificate "$log/unknown-authority.log" && [ ! -e "$root/tmp/refused" ]
}

download_from_trusted() {
    trust_authorities "$root" "$root/tmp/ca.pem" && download https
}

remove_package() {
    in_root oss-resumable --version && in_bare_root "$root" dpkg --purge oss-resumable &&
        ! in_root oss-resumable --version
}

if ! build_package >"$log/build.log" 2>&1; then
    tail -n 20 "$log/build.log"
    fail "the package is built"
    finish
fi
check "a root has only what the package depends on" root make_bare_root "$root" "$deb" ca-certificates
check "there are no headers and no other library of ours in it" bare is_bare
check "the package is installed" install install_package
check "the version is told" version in_root oss-resumable --version
check "a server starts" server start_server http
check "an object is downloaded" download download http
check "a server with TLS starts" tls-server start_server https --tls --ca-file "$root/tmp/ca.pem"
check "an authority that the root does not know is not trusted" unknown-authority is_refused
check "an object is downloaded over TLS with a file of authorities" tls-file download https --ca-file /tmp/ca.pem
check "an object is downloaded over TLS with the authorities of the root" tls-root download_from_trusted
check "the package can be removed" remove remove_package
finish
