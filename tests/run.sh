#!/bin/sh
# Installs what is missing, builds everything, runs every test. Arguments go to ctest: sh tests/run.sh -R Failover
set -eu
cd -- "$(dirname -- "$0")/.."
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

sh cmake/install-deps.sh test
# A compiler that is newer than the ones this is developed with may warn of more; only CI takes that for an error.
# And nobody steps through what CI builds: names and lines are enough to read a stack.
cmake --preset dev -DHOLYSHEEP_WARNINGS_AS_ERRORS="${CI:-OFF}" ${CI:+-DCMAKE_CXX_FLAGS_DEBUG=-g1}
cmake --build --preset dev --parallel "$cores"
exec ctest --preset dev --parallel "$cores" --schedule-random "$@"
