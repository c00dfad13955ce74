#!/bin/sh
# Installs missing packages, builds everything, runs every test. Arguments go to ctest: sh tests/run.sh -R Failover
# Ends with a list of skipped tests and what would enable them.
set -eu
cd -- "$(dirname -- "$0")/.."
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

sh cmake/install-deps.sh test
# A newer compiler than those used in development may warn of more; only CI treats that as an error. CI builds are not
# debugged interactively, so names and lines suffice to read a stack. To save time CI precompiles the tests' headers and
# compiles several tests at once; the everyday build finds a test that forgot an include.
cmake --preset dev -DHOLYSHEEP_WARNINGS_AS_ERRORS="${CI:-OFF}" \
    ${CI:+-DCMAKE_CXX_FLAGS_DEBUG=-g1 -DCMAKE_DISABLE_PRECOMPILE_HEADERS=OFF -DCMAKE_UNITY_BUILD=ON}
cmake --build --preset dev --parallel "$cores"

status=0
ctest --preset dev --parallel "$cores" --schedule-random "$@" || status=$?

# Google Test writes the reason into the line after "Skipped", the scripts of tests/architecture after "left out".
reasons=$(awk '/: Skipped$/ { getline; print; next } sub(/^left out: /, "")' build/dev/Testing/Temporary/LastTest.log 2>/dev/null |
    sort | uniq -c)
if [ -n "$reasons" ]; then
    printf '\nSkipped, and what would enable it:\n%s\n' "$reasons"
else
    printf '\nNothing was skipped.\n'
fi
exit "$status"
