#!/bin/sh
# Installs what is missing, builds everything, runs every test. Arguments go to ctest: sh tests/run.sh -R Failover
# Ends with what was skipped, and what would enable it.
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

status=0
ctest --preset dev --parallel "$cores" --schedule-random "$@" || status=$?

# Google Test writes the reason into the line behind "Skipped", the scripts of tests/architecture behind "left out".
reasons=$(awk '/: Skipped$/ { getline; print; next } sub(/^left out: /, "")' build/dev/Testing/Temporary/LastTest.log 2>/dev/null |
    sort | uniq -c)
if [ -n "$reasons" ]; then
    printf '\nSkipped, and what would enable it:\n%s\n' "$reasons"
else
    printf '\nNothing was skipped.\n'
fi
exit "$status"
