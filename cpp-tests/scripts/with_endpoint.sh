#!/usr/bin/env bash
# Runs a program with a server's endpoint and a scratch directory as its last arguments.
#
#   with_endpoint.sh LOCAL-OSS PROGRAM [ARGUMENT…]
set -euo pipefail
source "$(dirname "$0")/with_server.sh"
start_server "$1"
shift
"$@" "$endpoint" "$scratch"
