#!/usr/bin/env bash
# Builds and runs tests/soak: calls through real proxies while the proxies and the processes behind them are killed,
# frozen and restarted. Ends with a table; fails if the library loses or cuts short calls, or leaks resources.
#
#   bash tests/soak.sh [--seconds N] [--seed S]
#
# --seconds N  how long (default: a minute, for CI; ten minutes by hand: --seconds 600)
# --seed S     of the faults (default: 1); the same seed gives the same faults in the same order
# Further flags go to the program: build/dev/tests/soak/soak --help. Nothing is installed, and nothing is left behind.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
PATH=$PATH:/usr/sbin

# program -> Debian's package
declare -A package=([cmake]=cmake [ninja]=ninja-build [g++]=g++ [nginx]=nginx-light [haproxy]=haproxy)
missing=()
for program in "${!package[@]}"; do
    command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
if [[ ${#missing[@]} -gt 0 ]]; then
    echo "soak: missing packages: ${missing[*]} (sh cmake/install-deps.sh ci installs them)" >&2
    exit 2
fi

[[ -f build/dev/build.ninja ]] || cmake --preset dev
cmake --build build/dev --target soak

folder=$(mktemp -d)
soak=
# The program ends everything that it has started; if it is killed, the kernel does.
clean_up() {
    if [[ -n $soak ]]; then
        kill "$soak" 2>/dev/null || true
        wait "$soak" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# In the background, so that a signal takes effect at once.
build/dev/tests/soak/soak --folder "$folder" "$@" &
soak=$!
status=0
wait "$soak" || status=$?
soak=
exit "$status"
