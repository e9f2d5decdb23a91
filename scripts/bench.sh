#!/usr/bin/env bash
# Builds the library and the measuring programs, then runs benches/run.py with the given arguments. If the environment
# variable ALIBABACLOUD_OSS_ROOT names the prefix of an installed OSS C++ SDK, that is measured too.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh -DOSS_RESUMABLE_BUILD_TESTS=OFF -DOSS_RESUMABLE_BUILD_COMMAND=ON
scripts/bench_tools.sh bindings
PYTHONDONTWRITEBYTECODE=1 exec python3 benches/run.py "$@"
