#!/usr/bin/env bash
# Builds and runs tests/soak: calls through real proxies while the proxies and their backends are killed, frozen and
# restarted. Prints a table; fails if the library loses or truncates calls, or leaks resources.
#
#   bash tests/soak.sh [--seconds N] [--seed S]
#
# --seconds N  duration (default: 60, for CI; by hand: --seconds 600)
# --seed S     seed of the faults (default: 1); the same seed gives the same faults in the same order
# Other flags: build/dev/tests/soak/soak --help. Installs nothing and leaves nothing behind.
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
# The program ends its child processes; if it is killed, the kernel does.
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

# In the background, so that this script handles signals at once.
build/dev/tests/soak/soak --folder "$folder" "$@" &
soak=$!
status=0
wait "$soak" || status=$?
soak=
exit "$status"
