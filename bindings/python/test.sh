#!/usr/bin/env bash
# Lints, type-checks, builds and tests the Python package. Prints "ok python NAME" or "FAILED python NAME" for each check
# and test, then "python: N passed, N failed". With TEST_EFFORT=long also builds the wheel for distribution, and runs the
# tests of downloads with it under each Python that is there.
set -uo pipefail
cd "$(dirname "$0")"
PATH=$PATH:$HOME/.cargo/bin
gate=python
source ../../scripts/tally.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch
target=${CARGO_TARGET_DIR:-$(cd ../.. && pwd)/target}
export LOCAL_OSS=$target/debug/local-oss

# A check that prints its output only if it fails.
check() {
    local what=$1
    shift
    if "$@" >"$scratch/output" 2>&1; then
        ok "$what"
    else
        cat "$scratch/output"
        fail "$what"
        return 1
    fi
}

# Runs pytest, as the Python of the virtual environment $1, and names its tests as sentences.
run_pytest() {
    local python=$1 what=$2 status
    shift 2
    "$python" -m pytest -v --tb=short -p no:cacheprovider --basetemp "$scratch/pytest" "$@" >"$scratch/pytest.log" 2>&1
    status=$?
    sed -nE "s/^tests\/test_(\w+)\.py::test_(.+) PASSED.*/ok $gate $what\1: \2/p
             s/^tests\/test_(\w+)\.py::test_(.+) (FAILED|ERROR).*/FAILED $gate $what\1: \2/p" "$scratch/pytest.log" |
        sed '/: /s/_/ /g' >"$scratch/results"
    cat "$scratch/results"
    passed=$((passed + $(grep -c '^ok ' "$scratch/results")))
    failed=$((failed + $(grep -c '^FAILED ' "$scratch/results")))
    if [ "$status" -ne 0 ]; then
        cat "$scratch/pytest.log"
        grep -q '^FAILED ' "$scratch/results" || fail "${what}pytest"
    fi
}

build_library() {
    # As cargo test builds them: with other features of dependencies the library would be built anew.
    (cd ../.. && cargo build --workspace --locked --lib --bins --example corpus)
}

# The package with the library of the debug build, which is there after the Rust tests.
install_package() {
    OSS_RESUMABLE_LIBRARY=$target/debug/liboss_resumable.so python -m build --wheel --no-isolation --outdir "$scratch/dist" . &&
        pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$scratch"/dist/*.whl
}

# The wheel for distribution, in an empty virtual environment of each Python that is there.
test_wheel() {
    local wheel=$1 python
    for python in python3.9 python3.10 python3.11 python3.12 python3.13 python3.14; do
        "$python" --version >/dev/null 2>&1 || continue
        "$python" -m venv "$scratch/$python" &&
            "$scratch/$python/bin/pip" install --quiet --disable-pip-version-check "$wheel[tqdm]" pytest || {
            fail "the wheel is installed for $python"
            continue
        }
        ok "the wheel is installed for $python"
        run_pytest "$scratch/$python/bin/python" "wheel, $python: "
        rm -rf "${scratch:?}/$python"
    done
}

source ./venv.sh || { fail "virtual environment"; finish; }
check "the library is built" build_library || finish
check "the package is built and installed" install_package || finish
check "ruff" ruff check .
check "ruff format" ruff format --check .
check "mypy --strict" mypy --cache-dir "$scratch/mypy"
run_pytest python ''
if [ "${TEST_EFFORT:-}" = long ]; then
    if check "the wheel is manylinux-clean and has at most 6 MiB" ./build_wheel.sh; then
        test_wheel "$(tail -n 1 "$scratch/output")"
    fi
fi
finish
