#!/bin/sh
# Installs what is missing, builds everything, runs every test. Arguments go to ctest: sh tests/run.sh -R Failover
set -eu
cd -- "$(dirname -- "$0")/.."
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

sh cmake/install-deps.sh test
# A compiler that is newer than the ones this is developed with may warn of more; only CI takes that for an error.
# And nobody steps through what CI builds: names and lines are enough to read a stack. Its time is short, so it reads the
# headers of tests once; the everyday build finds the file that forgot an include.
cmake --preset dev -DHOLYSHEEP_WARNINGS_AS_ERRORS="${CI:-OFF}" \
    ${CI:+-DCMAKE_CXX_FLAGS_DEBUG=-g1 -DCMAKE_DISABLE_PRECOMPILE_HEADERS=OFF}
cmake --build --preset dev --parallel "$cores"
exec ctest --preset dev --parallel "$cores" --schedule-random "$@"
