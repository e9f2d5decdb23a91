#!/usr/bin/env bash
# Installs the Python wheel in an empty virtual environment in a root directory that has Python and nothing else, and runs
# the program of its README there. Needs the distribution's archive and PyPI, and root or user namespaces.
# Prints "ok wheel WHAT" or "FAILED wheel WHAT" for each check, then "wheel: N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."

gate=wheel
source scripts/tally.sh
source scripts/package_checks.sh

wheels=$root/tmp/wheels

build_wheel() {
    scripts/build.sh && bindings/python/build_wheel.sh >"$scratch/wheel"
}

make_root() {
    make_bare_root "$root" python3 python3-venv ca-certificates
}

# Neither another libcurl or OpenSSL than Python's own, nor anything to compile with.
is_bare() {
    local found
    found=$(find "$root" \( -name '*.h' -o -name 'libcurl*' -o -name 'liboss*' -o -path '*/bin/cc' -o -path '*/bin/*gcc*' \) | head)
    echo "found: $found"
    [ -z "$found" ]
}

# What the wheel depends on comes from PyPI, for the Python of the root. Nothing is compiled.
download_dependencies() {
    local version
    version=$(in_bare_root "$root" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])') || return
    mkdir "$wheels" && cp "$(cat "$scratch/wheel")" "$wheels" &&
        python3 -m venv "$scratch/venv" &&
        "$scratch/venv/bin/pip" download --quiet --disable-pip-version-check --no-cache-dir --only-binary :all: \
            --python-version "$version" --dest "$wheels" "$wheels"/*.whl
}

install_wheel() {
    in_bare_root "$root" python3 -m venv /tmp/venv &&
        in_bare_root "$root" /tmp/venv/bin/pip install --no-cache-dir --no-index --find-links /tmp/wheels oss-resumable
}

# The first program of the README. Only where the service is differs.
run_readme() {
    local name=$1
    shift
    sed -n '/^## Five lines$/,/^## /p' bindings/python/README.md | sed -n '/^```python$/,/^```$/p' | sed '/^```/d' |
        sed "s|Client(\"[^\"]*\"|Client(\"$(endpoint "$name")\", region=\"cn-hangzhou\"|" >"$root/tmp/program.py"
    cat "$root/tmp/program.py"
    rm -f "$root/root/model.bin"
    in_bare_root "$root" env -i HOME=/root OSS_ACCESS_KEY_ID=id OSS_ACCESS_KEY_SECRET=secret "$@" \
        sh -c 'cd && exec /tmp/venv/bin/python /tmp/program.py' && cmp "$folder/exampledir/model.bin" "$root/root/model.bin"
}

is_refused() {
    trust_authorities "$root" "$root"/usr/share/ca-certificates/mozilla/*.crt || return
    ! run_readme https && grep -q TransportError "$log/unknown-authority.log"
}

run_with_trusted() {
    trust_authorities "$root" "$root/tmp/ca.pem" && run_readme https
}

if ! build_wheel >"$log/build.log" 2>&1; then
    tail -n 20 "$log/build.log"
    fail "the wheel is built"
    finish
fi
folder=$scratch/folder
mkdir -p "$folder/exampledir"
head -c 20000000 /dev/urandom >"$folder/exampledir/model.bin"
check "a root has only Python" root make_root
check "there are no headers, compilers or libraries of ours in it" bare is_bare
check "what the wheel depends on is downloaded" download download_dependencies
check "the wheel is installed in an empty virtual environment" install install_wheel
check "a server starts" server start_server http --folder "$folder"
check "the program of the README works" readme run_readme http
check "a server with TLS starts" tls-server start_server https --tls --ca-file "$root/tmp/ca.pem" --folder "$folder"
check "an authority that the root does not know is not trusted" unknown-authority is_refused
check "the program works over TLS with the authorities of the root" tls-root run_with_trusted
finish
