#!/bin/sh
# Installs missing packages, builds in Release, and shows failover on a simulated gateway.
set -eu
cd -- "$(dirname -- "$0")/.."
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

sh cmake/install-deps.sh build
cmake --preset release >/dev/null
cmake --build build/release --target example_quickstart example_chat --parallel "$cores"
exec build/release/examples/quickstart
