#!/bin/sh
# Installs what is missing, builds everything, runs every test. Arguments go to ctest: sh tests/run.sh -R Failover
set -eu
cd -- "$(dirname -- "$0")/.."
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

sh cmake/install-deps.sh test
cmake --preset dev
cmake --build --preset dev --parallel "$cores"
exec ctest --preset dev --parallel "$cores" --schedule-random "$@"
