#!/usr/bin/env bash
# Builds the library, the unit tests and the flow tests for other machines and runs them: natively if this processor can
# (i386, which also runs the loopback tests), otherwise under qemu. Ends with a table; fails if a build or a test fails.
#
#   bash tests/machines.sh [--short] [i386|aarch64|armhf|musl ...]
#
# --short  the unit and the flow tests alone, not optimised
# Needs clang, lld and apt, and qemu-user for all but i386. clang compiles against Debian 12's packages, which are only
# unpacked: nothing is installed, and no root is needed. Trees, builds and logs stay in build/machines, and the next run
# reuses them.
#
# i386     32 bits; amounts, counts and durations must not depend on the width of long, size_t or time_t
# aarch64  what most new servers and laptops are: char is unsigned, and memory less ordered
# armhf    32 bits and unsigned char at once, time_t of 32 bits
# musl     another C library. Debian has no C++ library for it, so its sources are checked by the compiler, and nothing is
#          linked: against musl's headers, the kernel's, and those of LLVM's C++ library
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
cores=$(getconf _NPROCESSORS_ONLN)
machines=$PWD/build/machines

die() {
    echo "machines: $*" >&2
    exit 1
}

# machine -> Debian's architecture, the triple of its libraries, qemu's name for it; no name: this processor can run it
declare -A architecture=([i386]=i386 [aarch64]=arm64 [armhf]=armhf [musl]=amd64)
declare -A triple=([i386]=i386-linux-gnu [aarch64]=aarch64-linux-gnu [armhf]=arm-linux-gnueabihf [musl]=x86_64-linux-gnu)
declare -A qemu=([aarch64]=qemu-aarch64 [armhf]=qemu-arm)

short=
names=()
for argument in "$@"; do
    case $argument in
        --short) short=yes ;;
        *) [[ -n ${triple[$argument]:-} ]] || die "unknown machine '$argument': choose from ${!triple[*]}"
           names+=("$argument") ;;
    esac
done
[[ ${#names[@]} -gt 0 ]] || names=(i386 aarch64)
for tool in clang++ ld.lld apt-get dpkg-deb cmake ninja; do
    command -v "$tool" >/dev/null || die "$tool is missing: sh cmake/install-deps.sh ci"
done
for name in "${names[@]}"; do
    emulator=${qemu[$name]:-true}
    command -v "$emulator" >/dev/null || die "$emulator is missing: apt-get install qemu-user"
done

needed=(libcurl4-openssl-dev nlohmann-json3-dev libspdlog-dev libevent-dev)
declare -A packages=([musl]="musl-dev clang-19 libc++-19-dev")
for name in i386 aarch64 armhf; do packages[$name]="libstdc++-12-dev libgtest-dev libgmock-dev libssl-dev libnghttp2-dev"; done

# make_tree <machine>: unpacks the packages to compile with and run against, in build/machines/<machine>/tree.
make_tree() {
    local place=$machines/$1 options
    [[ ! -e $place/tree/complete ]] || return 0
    rm -rf "$place/apt" "$place/tree"
    mkdir -p "$place"/apt/{lists/partial,archives/partial} "$place/tree"
    : >"$place/apt/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
        "${DEBIAN_MIRROR:-http://deb.debian.org/debian} bookworm main" >"$place/apt/sources.list"
    # Uses a separate apt state, which does not include the packages installed here.
    options=(-qq -o APT::Architecture="${architecture[$1]}" -o APT::Architectures="${architecture[$1]}"
        -o Dir::State="$place/apt" -o Dir::State::Lists="$place/apt/lists" -o Dir::State::status="$place/apt/status"
        -o Dir::Cache="$place/apt" -o Dir::Cache::archives="$place/apt/archives"
        -o Dir::Etc::sourcelist="$place/apt/sources.list" -o Dir::Etc::sourceparts=/nonexistent
        -o APT::Sandbox::User= -o Debug::NoLocking=1 -o Acquire::Retries=3)
    apt-get "${options[@]}" update || return 1
    # shellcheck disable=SC2086 # a list of package names
    apt-get "${options[@]}" install -y --download-only --no-install-recommends libc6-dev "${needed[@]}" ${packages[$1]} ||
        return 1
    local package
    for package in "$place"/apt/archives/*.deb; do dpkg-deb -x "$package" "$place/tree" || return 1; done
    # Absolute links are redirected into the tree.
    local link
    while IFS= read -r link; do ln -snf "$place/tree$(readlink "$link")" "$link"; done < <(find "$place/tree" -lname '/*')
    rm -rf "$place/apt"
    touch "$place/tree/complete"
}

# runner <machine>: prints the command that runs a program of that machine.
runner() {
    local tree=$machines/$1/tree
    if [[ -n ${qemu[$1]:-} ]]; then
        echo "${qemu[$1]};-L;$tree"
    else
        echo "$tree/lib/ld-linux.so.2;--library-path;$tree/lib/${triple[$1]}:$tree/usr/lib/${triple[$1]}"
    fi
}

configure() {
    local tree=$machines/$1/tree libraries=${triple[$1]} folders
    folders=$(cd tests && printf '%s;' unit/*)flow
    # qemu supports sockets incompletely, and is too slow for tests that measure time.
    [[ -n $short || -n ${qemu[$1]:-} ]] || folders+=";loopback"
    PKG_CONFIG_LIBDIR=$tree/usr/lib/$libraries/pkgconfig PKG_CONFIG_SYSROOT_DIR=$tree \
        cmake --preset clang -B "$machines/$1/build" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$1" \
        -DCMAKE_CXX_COMPILER_TARGET="$libraries" -DCMAKE_LIBRARY_ARCHITECTURE="$libraries" -DCMAKE_SYSROOT="$tree" \
        -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY \
        -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY \
        -DCMAKE_EXE_LINKER_FLAGS="-fuse-ld=lld -Wl,-rpath-link,$tree/lib/$libraries" \
        -DCMAKE_CROSSCOMPILING_EMULATOR="$(runner "$1")" -DCMAKE_GTEST_DISCOVER_TESTS_DISCOVERY_MODE=PRE_TEST \
        -DCMAKE_CXX_FLAGS_DEBUG="-g0 -O$([[ -n $short ]] && echo 0 || echo 1)" -DHOLYSHEEP_TEST_FLAGS=-O0 \
        -DHOLYSHEEP_BUILD_EXAMPLES=OFF -DHOLYSHEEP_TEST_FOLDERS="$folders"
}

# check_musl: compiles every source without linking; errors go to the log.
check_musl() {
    local place=$machines/musl tree=$machines/musl/tree include
    local cxx=$tree/usr/lib/llvm-19 flags=()
    # Collects headers that do not depend on glibc: the C++ library's configuration, the kernel's and the dependencies'
    # headers.
    include=$place/include
    rm -rf "$include"
    mkdir -p "$include"
    sed 's@.*_LIBCPP_HAS_MUSL_LIBC.*@#define _LIBCPP_HAS_MUSL_LIBC 1@' "$cxx/include/c++/v1/__config_site" \
        >"$include/__config_site"
    ln -s "$tree"/usr/include/{linux,asm-generic,nlohmann,spdlog,fmt,event2,x86_64-linux-gnu/{asm,curl}} "$include"
    cmake --preset release -B "$place/build" -DHOLYSHEEP_BUILD_EXAMPLES=OFF >"$place/log" 2>&1 || return 1
    flags=(-fsyntax-only --target=x86_64-linux-musl -std=c++20 -nostdinc -nostdinc++ -fexperimental-library
        -isystem "$include" -isystem "$cxx/include/c++/v1" -isystem "$cxx/lib/clang/19/include"
        -isystem "$tree/usr/include/x86_64-linux-musl" -Iinclude -Isrc -I"$place/build/src/include"
        -DHOLYSHEEP_STATIC_DEFINE -DSPDLOG_FMT_EXTERNAL -DSPDLOG_COMPILED_LIB
        -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Werror)
    git ls-files -z 'src/*.cpp' | LD_LIBRARY_PATH=$cxx/lib:$tree/usr/lib/x86_64-linux-gnu \
        xargs -0 -n 1 -P "$cores" "$cxx/bin/clang++" "${flags[@]}" >>"$place/log" 2>&1
}

rows=("machine|result|tests|build|run")
failed=0
# try <machine>: prints one row of the table.
try() {
    local name=$1 log=$machines/$1/log start=$SECONDS program tests=0 lost=0 count built command
    mkdir -p "$machines/$name"
    echo "=== $name: $log"
    if ! make_tree "$name" >"$log" 2>&1; then
        tail -n 5 "$log"
        rows+=("$name|skipped: its packages cannot be fetched|||")
        return
    fi
    start=$SECONDS
    if [[ $name == musl ]]; then
        if check_musl; then
            rows+=("musl|compiles; is not linked||$((SECONDS - start)) s|")
        else
            grep -E -A 3 'error:' "$log" | head -n 60 || true
            rows+=("musl|does not compile||$((SECONDS - start)) s|")
            failed=1
        fi
        return
    fi
    if ! { configure "$name" && cmake --build "$machines/$name/build" --parallel "$cores" -- -k 0; } >>"$log" 2>&1; then
        grep -E -A 5 'error:|FAILED' "$log" | head -n 60 || true
        rows+=("$name|does not build||$((SECONDS - start)) s|")
        failed=1
        return
    fi
    built=$((SECONDS - start)) start=$SECONDS
    IFS=';' read -ra command <<<"$(runner "$name")"
    while IFS= read -r program; do
        echo "--- $program" >>"$log"
        if ! timeout 1800 "${command[@]}" "$program" --gtest_brief=1 >"$log.program" 2>&1; then
            lost=$((lost + 1))
            echo "fails: $program"
            grep -E -B 8 '^\[  FAILED' "$log.program" | tail -n 60 || tail -n 20 "$log.program"
        fi
        cat "$log.program" >>"$log"
        count=$(sed -nE 's/^\[=+\] ([0-9]+) tests? from .* ran.*/\1/p' "$log.program" | tail -n 1)
        tests=$((tests + ${count:-0}))
    done < <(find "$machines/$name/build/tests" -type f -executable -name '*_test*' | sort)
    [[ $lost -eq 0 ]] || failed=1
    rows+=("$name|$([[ $lost -eq 0 ]] && echo works || echo "$lost programs fail")|$tests|$built s|$((SECONDS - start)) s")
}

for name in "${names[@]}"; do try "$name"; done
echo
printf '%s\n' "${rows[@]}" | awk -F '|' '{printf "%-10s %-40s %-8s %-8s %s\n", $1, $2, $3, $4, $5}'
exit "$failed"
