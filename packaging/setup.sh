#!/usr/bin/env bash
# Prepares a checkout: `setup.sh` makes .venv from the locked versions;
# `setup.sh peers` installs from Debian the real servers that demo, tests and benchmarks talk to.
set -euo pipefail
cd "$(dirname "$0")/.."

install_packages() {
    if [ "$(id -u)" -ne 0 ]; then
        echo "missing Debian packages: $* — run as root: apt-get install $*" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

make_environment() {
    local python=${PYTHON:-python3}
    command -v "$python" >/dev/null || install_packages python3
    # Debian splits venv off: its absence shows only when a venv is tried.
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        install_packages python3-venv
    fi
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.lock
    .venv/bin/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
    touch .venv/.ready
}

install_peers() {
    local wanted=(openssl gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base
        gstreamer1.0-plugins-good gstreamer1.0-plugins-bad)
    local missing=()
    for package in "${wanted[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

case "${1:-environment}" in
    environment) make_environment ;;
    peers) install_peers ;;
    *) echo "usage: $0 [environment|peers]" >&2; exit 2 ;;
esac
