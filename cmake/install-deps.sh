#!/bin/sh
# Installs this project's dependencies with the system's package manager; does nothing if all are installed.
#
#   sh cmake/install-deps.sh [build|test|ci]
#
# build  compiler, build tools, the library's and the simulator's dependencies
# test   build, and what the tests use: servers and proxies, a browser and (apt) Prometheus among them (the default)
# ci     test, and clang with its tools and sanitizers, Google Benchmark, and (apt) what makes trees of distributions
set -eu

apt_build='g++ cmake ninja-build pkg-config libcurl4-openssl-dev nlohmann-json3-dev libspdlog-dev libevent-dev ca-certificates'
apt_test='ccache lld libgtest-dev libgmock-dev nginx-light haproxy openssl libssl-dev libnghttp2-dev tinyproxy-bin microsocks dante-server stunnel4 iproute2 nftables curl python3 locales
    squid apache2-bin h2o varnish clang-format-14 chromium chromium-driver fonts-dejavu-core'
apt_ci='clang clang-format clang-tidy libclang-rt-dev libbenchmark-dev git debootstrap doxygen'

dnf_build='gcc-c++ cmake ninja-build pkgconf-pkg-config libcurl-devel json-devel spdlog-devel libevent-devel ca-certificates'
dnf_test='ccache lld gtest-devel gmock-devel nginx haproxy openssl openssl-devel libnghttp2-devel tinyproxy stunnel iproute nftables curl python3'
dnf_ci='clang clang-tools-extra compiler-rt google-benchmark-devel libasan libubsan libtsan git doxygen'

brew_build='cmake ninja pkg-config curl nlohmann-json spdlog libevent'
brew_test='ccache googletest nginx openssl libnghttp2 python3'
brew_ci='llvm google-benchmark doxygen'

die() {
    echo "install-deps: $*" >&2
    exit 1
}

# Runs a command as root, with sudo if necessary.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        die "root rights are needed for: $*"
    fi
}

missing_from_dpkg() {
    for package in "$@"; do
        case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
            *' installed') ;;
            *) printf '%s ' "$package" ;;
        esac
    done
}

# Drops names that this release does not have: if a package is really needed, the configuration reports it.
known_to_apt() {
    for package in "$@"; do
        if apt-cache show "$package" >/dev/null 2>&1; then
            printf '%s ' "$package"
        else
            echo "install-deps: there is no package $package here" >&2
        fi
    done
}

# The tests start servers themselves, so services that a package starts on their ports are stopped.
stop_new_service() {
    if command -v systemctl >/dev/null 2>&1 && systemctl is-active --quiet "$1" 2>/dev/null; then
        as_root systemctl disable --now "$1" || true
    fi
}

install_with_apt() {
    wanted=$(missing_from_dpkg "$@")
    [ -n "$wanted" ] || return 0
    echo "install-deps: installing $wanted"
    as_root apt-get -qq update
    # Output from packages that are set up is shown only if the installation fails.
    remarks=$(mktemp)
    # shellcheck disable=SC2086,SC2046 # lists of package names
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends $(known_to_apt $wanted) >/dev/null 2>"$remarks" || {
        cat "$remarks" >&2
        die "apt-get could not install them"
    }
    rm -f "$remarks"
    for service in nginx squid haproxy h2o varnish; do
        case $wanted in *"$service"*) stop_new_service "$service" ;; esac
    done
}

# Installs only Prometheus' programs, which check and collect metrics: its package would start a server.
install_prometheus_with_apt() {
    if command -v promtool >/dev/null 2>&1 && command -v prometheus >/dev/null 2>&1; then return 0; fi
    echo "install-deps: installing promtool and prometheus"
    apt-cache show prometheus >/dev/null 2>&1 || as_root apt-get -qq update
    unpacked=$(mktemp -d)
    # apt's sandbox user may not be able to write there; the warning that root is used instead is hidden.
    # Newer releases have promtool in a separate package.
    # shellcheck disable=SC2046 # lists of package names
    if (cd "$unpacked" && apt-get -qq download prometheus $(known_to_apt promtool 2>/dev/null) 2>/dev/null &&
        for package in ./*.deb; do dpkg-deb -x "$package" .; done) && [ -x "$unpacked/usr/bin/promtool" ]; then
        as_root install -m 755 "$unpacked/usr/bin/promtool" "$unpacked/usr/bin/prometheus" /usr/local/bin
    else
        echo "install-deps: Prometheus cannot be had; the tests that need it are skipped" >&2
    fi
    rm -rf "$unpacked"
}

install_with_dnf() {
    rpm -q "$@" >/dev/null 2>&1 || as_root dnf install -y -q "$@"
}

install_with_brew() {
    brew list --versions "$@" >/dev/null 2>&1 || brew install --quiet "$@"
}

# Prints one package manager's names for the requested set.
packages() {
    case $set in
        build) echo "$1" ;;
        test) echo "$1 $2" ;;
        ci) echo "$1 $2 $3" ;;
    esac
}

set=${1:-test}
case $set in build | test | ci) ;; *) die "unknown set '$set': choose build, test or ci" ;; esac

# shellcheck disable=SC2046 # lists of package names
if command -v apt-get >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1; then
    install_with_apt $(packages "$apt_build" "$apt_test" "$apt_ci")
    if [ "$set" != build ]; then install_prometheus_with_apt; fi
elif command -v dnf >/dev/null 2>&1; then
    install_with_dnf $(packages "$dnf_build" "$dnf_test" "$dnf_ci")
elif command -v brew >/dev/null 2>&1; then
    install_with_brew $(packages "$brew_build" "$brew_test" "$brew_ci")
else
    echo "install-deps: no apt, dnf or brew here. Please install, by their Debian names:" >&2
    packages "  $apt_build" "$apt_test" "$apt_ci" >&2
    exit 1
fi
