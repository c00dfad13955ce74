#!/usr/bin/env bash
# Runs the README's commands unchanged on bare trees of the distributions that it names, without compiler or cmake. Ends
# with a table that also counts warnings; a tree that cannot be fetched is skipped and reported. Fails if a command
# fails. Needs root, debootstrap and about 4 GB.
#
#   bash tests/distributions.sh [--short] [debian12|debian13|ubuntu24.04 ...]
#
# --short  the quickstart, then the unit and the flow tests on top of its build, instead of all lines
# Logs stay in build/distributions. HOLYSHEEP_TREES says where the trees are made (default: /var/tmp).
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
logs=$PWD/build/distributions
cores=$(getconf _NPROCESSORS_ONLN)

die() {
    echo "distributions: $*" >&2
    exit 1
}
[[ $(id -u) -eq 0 ]] || die "making a tree takes root: sudo bash tests/distributions.sh"
for tool in debootstrap curl git unshare; do
    command -v "$tool" >/dev/null || die "$tool is missing: sh cmake/install-deps.sh ci"
done

# distribution -> suite, and debootstrap's script for it: older versions do not know newer suites by name
declare -A suite=([debian12]=bookworm [debian13]=trixie [ubuntu24.04]=noble)
declare -A script=([debian12]=sid [debian13]=sid [ubuntu24.04]=gutsy)
# Debian does not package Ubuntu's keys. Ubuntu's package with the keys is verified by its checksum.
ubuntu_keys=pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb
ubuntu_keys_sum=36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8

short=
names=()
for argument in "$@"; do
    case $argument in
        --short) short=yes ;;
        *) [[ -n ${suite[$argument]:-} ]] || die "unknown distribution '$argument': choose from ${!suite[*]}"
           names+=("$argument") ;;
    esac
done
[[ ${#names[@]} -gt 0 ]] || names=(debian12 debian13 ubuntu24.04)

mkdir -p "$logs"
trees=$(mktemp -d "${HOLYSHEEP_TREES:-/var/tmp}/holysheep-trees.XXXXXX")
# Mounts in a tree are made in a namespace of the commands there, so none of them is visible, or removed, here.
trap 'rm -rf --one-file-system "$trees"' EXIT

# The mirror that debootstrap itself uses, unless the environment names a nearer one.
debian_mirror=${DEBIAN_MIRROR:-$(awk -F '"' '/^DEF_MIRROR=/ {print $2; exit}' "$(command -v debootstrap)")}
ubuntu_mirror=${UBUNTU_MIRROR:-$(awk '/default_mirror.*archive/ {print $2; exit}' /usr/share/debootstrap/scripts/gutsy)}

# make_tree <distribution>: creates a bare tree in $trees/<distribution>.
make_tree() {
    local name=$1 tree=$trees/$1 mirror=$debian_mirror options=(--variant=minbase)
    # As on a fresh machine: Ubuntu's second component, and its updates.
    if [[ $name == ubuntu* ]]; then
        local keys=$trees/keys
        mirror=$ubuntu_mirror
        mkdir -p "$keys"
        curl -fsS -m 60 -o "$keys/package.deb" "$mirror/$ubuntu_keys" || return 1
        echo "$ubuntu_keys_sum  $keys/package.deb" | sha256sum --check --quiet || return 1
        dpkg-deb -x "$keys/package.deb" "$keys" || return 1
        options+=(--components=main,universe --keyring="$keys/usr/share/keyrings/ubuntu-archive-keyring.gpg")
    fi
    debootstrap "${options[@]}" "${suite[$name]}" "$tree" "$mirror" "${script[$name]}" || return 1
    if [[ $name == ubuntu* ]]; then
        sed -i "p; s/ ${suite[$name]} / ${suite[$name]}-updates /" "$tree/etc/apt/sources.list" || return 1
    fi
    mkdir -p "$tree/root/holysheep"
    git ls-files -z | tar --create --null --files-from=- | tar --extract --directory="$tree/root/holysheep"
}

# inside <distribution> <shell command>: runs the command in the tree, in the project's folder, isolated from this
# machine.
inside() {
    unshare --mount --propagation private bash -c '
        mount -t proc proc "$1/proc" && mount --rbind /sys "$1/sys" && mount --rbind /dev "$1/dev" || exit 1
        cp -L /etc/resolv.conf /etc/hosts "$1/etc/"
        exec chroot "$1" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
            LANG=C.UTF-8 TERM=dumb sh -c "cd /root/holysheep && { $2; }"' inside "$trees/$1" "$2" </dev/null
}

# The README's shell lines in their order, as a reader would paste them, without the comments.
readme_lines() { awk '/^```sh$/ {inside = 1; next} /^```/ {inside = 0} inside' README.md | sed 's/ *# .*//'; }

short_lines() {
    readme_lines | head -n 1
    echo "apt-get -qq install -y --no-install-recommends libgtest-dev libgmock-dev python3 >/dev/null 2>&1"
    # Uses the quickstart's build; the tests themselves need no optimisation.
    echo "cmake --preset release -DHOLYSHEEP_BUILD_TESTS=ON -DHOLYSHEEP_BUILD_EXAMPLES=OFF -DHOLYSHEEP_TEST_FLAGS='-O0;-g0'" \
        "-DCMAKE_DISABLE_PRECOMPILE_HEADERS=OFF -DCMAKE_UNITY_BUILD=ON" \
        "'-DHOLYSHEEP_TEST_FOLDERS=$(cd tests && printf '%s;' unit/*)flow' >/dev/null"
    echo "cmake --build build/release --parallel $cores"
    echo "ctest --test-dir build/release --output-on-failure --parallel $cores"
}

# version <distribution> <command>: prints the first text in the command's output that looks like a version.
version() { inside "$1" "$2" 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1 || true; }

rows=("distribution|g++|libcurl|OpenSSL|result|tests|warnings|took|disk")
failed=0
# try <distribution>: prints one row of the table.
try() {
    local name=$1 log=$logs/$1.log start=$SECONDS result=works line tests warnings
    echo "=== $name: $log"
    if ! make_tree "$name" >"$log" 2>&1; then
        rows+=("$name||||skipped: the tree cannot be fetched||||")
        return
    fi
    start=$SECONDS
    while IFS= read -r line; do
        echo "--- $line" | tee -a "$log"
        if ! inside "$name" "$line" >>"$log" 2>&1; then
            result="fails: $line"
            failed=1
            tail -n 60 "$log"
            break
        fi
    done < <(if [[ -n $short ]]; then short_lines; else readme_lines; fi)
    tests=$(grep -E '^[0-9]+% tests passed' "$log" | tail -n 1 | sed -E 's/.* ([0-9]+) tests failed out of ([0-9]+)/\1 of \2 failed/' || true)
    warnings=$(grep -ciE '(^|[: ])warning( at |:)' "$log" || true)
    if [[ $result == works && $warnings -gt 0 ]]; then
        result="works, with warnings"
        grep -iE '(^|[: ])warning( at |:)' "$log" | sort | uniq -c | sort -rn | head -n 20
    fi
    rows+=("$name|$(version "$name" 'g++ -dumpfullversion')|$(version "$name" 'dpkg-query -W -f="\${Version}" libcurl4-openssl-dev')|$(
        version "$name" 'openssl version')|$result|$tests|$warnings|$((SECONDS - start)) s|$(
        du -sm --one-file-system "$trees/$name" | cut -f 1) MB")
    rm -rf --one-file-system "${trees:?}/$name"
}

for name in "${names[@]}"; do try "$name"; done
echo
printf '%s\n' "${rows[@]}" | awk -F '|' '{printf "%-13s %-8s %-8s %-8s %-22s %-20s %-9s %-8s %s\n", $1, $2, $3, $4, $5, $6, $7, $8, $9}'
exit "$failed"
