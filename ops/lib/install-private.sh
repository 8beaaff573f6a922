# shellcheck shell=bash disable=SC2034,SC2015,SC2154  # variables are shared with those who source this
# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
#
# Debian packages where neither root nor sudo is to be had: apt resolves and downloads them into folders of our own, and
# they are unpacked into STATE/root, never installed. Sourced by install.sh.

PRIVATE_ROOT=$STATE/root

# Lets programs, libraries and headers that were unpacked be found. Nothing happens where nothing was.
use_private_packages() {
  [[ -d $PRIVATE_ROOT/usr ]] || return 0
  local triple
  triple=$(uname -m)-linux-gnu
  export PATH=$PRIVATE_ROOT/usr/bin:$PRIVATE_ROOT/usr/lib/erlang/bin:$PATH
  export LD_LIBRARY_PATH=$PRIVATE_ROOT/usr/lib/$triple:$PRIVATE_ROOT/lib/$triple${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export PKG_CONFIG_PATH=$PRIVATE_ROOT/usr/lib/$triple/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
  [[ ! -d $PRIVATE_ROOT/usr/lib/rabbitmq ]] || RABBITMQ_HOME=$PRIVATE_ROOT/usr/lib/rabbitmq
  [[ ! -d $PRIVATE_ROOT/usr/lib/erlang ]] || ERLANG_ROOT=$PRIVATE_ROOT/usr/lib/erlang
}

install_packages_privately() {
  local log=$STATE/apt.log names apt=$STATE/apt
  note "neither root nor sudo: unpacking into $PRIVATE_ROOT"
  mkdir -p "$apt"/{lists/partial,archives/partial} "$PRIVATE_ROOT"
  local apt_get=(apt-get -qq -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt" -o Debug::NoLocking=true)
  {
    "${apt_get[@]}" update &&
      names=$("${apt_get[@]}" --simulate --no-install-recommends install "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p') &&
      (cd "$apt/archives" && xargs "${apt_get[@]}" download <<<"$names")
  } >"$log" 2>&1 || {
    show_tail "$log"
    die "apt could not download: $*" 'Its output is above. Or have an administrator run:' "apt-get install $*"
  }
  local archive
  for archive in "$apt"/archives/*.deb; do dpkg-deb --extract "$archive" "$PRIVATE_ROOT"; done
  rm -rf "$apt"
  relocate_private_packages
  use_private_packages
}

# What was unpacked believes that it lives under /usr.
relocate_private_packages() {
  local link file target
  # Links to libraries that the machine has already, and that were not downloaded therefore.
  while IFS= read -r link; do
    target=$(readlink "$link")
    for file in "/usr/lib/$(uname -m)-linux-gnu/${target##*/}" "/lib/$(uname -m)-linux-gnu/${target##*/}"; do
      [[ ! -e $file ]] || { ln -sfn "$file" "$link"; break; }
    done
  done < <(find "$PRIVATE_ROOT/usr/lib" -xtype l)
  for file in "$PRIVATE_ROOT"/usr/lib/*/pkgconfig/*.pc; do
    [[ ! -f $file ]] || grep -qF "$PRIVATE_ROOT" "$file" || sed -i "s#=/usr#=$PRIVATE_ROOT/usr#" "$file"
  done
  file=$PRIVATE_ROOT/usr/lib/erlang/bin/erl
  [[ ! -f $file ]] || grep -qF "$PRIVATE_ROOT" "$file" || sed -i "s#=/usr/lib/erlang#=$PRIVATE_ROOT/usr/lib/erlang#" "$file"
}
