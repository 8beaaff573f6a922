# shellcheck shell=bash disable=SC2034,SC2015,SC2154  # variables are shared with those who source this; `a && b || die` is meant
# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
#
# The Swift toolchain and the one way every script builds, so that ops/test and ops/demo share what they built.
# Sourced after common.sh.

SWIFT_NEEDED=6.2
build_flags=(--explicit-target-dependency-import-check error)

check_swift() {
  local remedy=(
    "Install Swift $SWIFT_NEEDED or newer (this project is built with 6.3): https://www.swift.org/install/linux/"
    'On Debian 12: the "Debian 12" toolchain, or swiftly; then put its usr/bin on PATH.'
    'The toolchain itself needs: apt-get install binutils gcc libc6-dev libstdc++-12-dev libcurl4 libxml2 libsqlite3-0 zlib1g-dev'
  )
  has swift || die "no 'swift' on PATH." "${remedy[@]}"
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -n 1)
  [[ -n $version ]] || die "'swift --version' says nothing usable." "${remedy[@]}"
  [[ $(printf '%s\n' "$SWIFT_NEEDED" "$version" | sort -V | head -n 1) == "$SWIFT_NEEDED" ]] ||
    die "Swift $version is too old." "${remedy[@]}"
  ok "Swift $version"
}

# swift_build [options of swift build…]: builds; the output is shown only when it fails, or as dots of progress.
swift_build() {
  local log=${RUN_DIR:-$STATE}/build.log
  mkdir -p "$(dirname "$log")"
  if [[ -t 1 ]]; then
    (cd "$ROOT" && swift build "${build_flags[@]}" "$@") 2>&1 | tee "$log" | show_progress
  else
    (cd "$ROOT" && swift build "${build_flags[@]}" "$@") >"$log" 2>&1
  fi || {
    grep -E -A 3 '(error|warning):' "$log" | head -n 60 >&2 || true
    show_tail "$log" 15
    die 'the build failed.' "The compiler's words are above."
  }
}

# One line that is written over: how far the build is.
show_progress() {
  local line
  while IFS= read -r line; do
    [[ $line == \[* ]] && printf '\r\e[K  %s%.100s%s' "$dim" "$line" "$plain"
  done
  printf '\r\e[K'
}

# built NAME: the path of an executable that was built.
built() { printf '%s' "$ROOT/.build/debug/$1"; }

# preload_library NAME TARGET: makes a library of ops/lib/NAME.c that is loaded before a program's own.
preload_library() {
  mkdir -p "$(dirname "$2")"
  "$(dirname "$(readlink -f "$(command -v swift)")")/clang" -O1 -fPIC -shared -Wall -Werror -o "$2" "$ROOT/ops/lib/$1.c" -ldl
}
