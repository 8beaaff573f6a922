# shellcheck shell=bash disable=SC2034,SC2015,SC2154  # variables are shared with those who source this; `a && b || die` is meant
# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
#
# What every script in ops/ shares: plain words on the terminal, a place for state, free ports, and services that are
# stopped again. Sourced, never run. A script that sources this sets `set -euo pipefail` itself.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
STATE=${NLU_OPS_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/nlu-export-worker}
RUN_DIR=  # this run's private folder, see open_run_dir
KEEP_RUNNING=false
started_at=$SECONDS
# Everything these scripts start lives on loopback: credentials are never looked for in a cloud's metadata service.
export AWS_EC2_METADATA_DISABLED=true

if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' yellow='' plain=''
fi

# --- words -----------------------------------------------------------------------------------------------------------

step() { printf '%s==> %s%s\n' "$bold" "$*" "$plain"; }
ok() { printf '  %s✓%s %s\n' "$green" "$plain" "$*"; }
note() { printf '  %s%s%s\n' "$dim" "$*" "$plain"; }
warn() { printf '%s!   %s%s\n' "$yellow" "$*" "$plain" >&2; }

# die WHAT [REMEDY…]: says what is wrong and what to do about it, and ends the script.
die() {
  printf '%sERROR: %s%s\n' "$red" "$1" "$plain" >&2
  shift
  local line
  for line in "$@"; do printf '       %s\n' "$line" >&2; done
  exit 1
}

# usage SCRIPT: prints the comment at the head of the script (from its third line to the first line that is none).
usage() { sed -n '3,${/^#/!q;s/^# \{0,1\}//;p}' "$1"; }

# show_tail FILE [LINES]: the end of a log, indented, so that an error comes with its reason.
show_tail() {
  [[ -s $1 ]] || return 0
  printf '%s--- the last lines of %s%s\n' "$dim" "$1" "$plain" >&2
  tail -n "${2:-25}" "$1" | sed 's/^/    /' >&2
}

has() { command -v "$1" >/dev/null 2>&1; }

# duration SECONDS: 75 → 1m15s
duration() { if (($1 < 60)); then printf '%ds' "$1"; else printf '%dm%02ds' "$(($1 / 60))" "$(($1 % 60))"; fi; }

# --- ports -----------------------------------------------------------------------------------------------------------

taken_ports=' '

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# take_port VARIABLE: puts a free loopback port into VARIABLE. A value that is there already was asked for by the user:
# it is used, or the script stops and says who holds it.
take_port() {
  local -n port=$1
  if [[ -n ${port:-} ]]; then
    [[ $port =~ ^[0-9]{1,5}$ ]] && ((port < 65536)) || die "$1=$port is no port." 'Give a number from 1 to 65535.'
    if port_answers "$port"; then
      die "port $port ($1) is taken${2:+; it was wanted for $2}." \
        "Who holds it: ss -ltnp 'sport = :$port'" "Stop that, or leave $1 unset to have a free port chosen."
    fi
  else
    local attempt
    for attempt in {1..200}; do
      # Below Linux's range for outgoing connections (32768-60999), above what services like.
      port=$((20000 + RANDOM % 12000))
      [[ $taken_ports == *" $port "* ]] || port_answers "$port" || break
      ((attempt < 200)) || die 'no free port found between 20000 and 31999.' 'See who holds them: ss -ltn'
    done
  fi
  taken_ports+="$port "
}

# --- waiting ---------------------------------------------------------------------------------------------------------

# wait_until SECONDS COMMAND…: tries the command until it succeeds or the time is over.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}

# --- services that are stopped again ---------------------------------------------------------------------------------

# open_run_dir NAME: a private folder for one run, with a trap that stops what was started in it and removes it.
open_run_dir() {
  mkdir -p "$STATE/run"
  chmod 700 "$STATE" "$STATE/run"
  sweep_abandoned_runs
  RUN_DIR=$(mktemp -d "$STATE/run/$1.XXXXXX")
  remember_process "$$" >"$RUN_DIR/owner"
  trap close_run_dir EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

close_run_dir() {
  local status=$?
  trap '' HUP INT TERM
  if [[ $KEEP_RUNNING == true && $status == 0 ]]; then
    rm -f "$RUN_DIR/owner"
  else
    stop_services "$RUN_DIR"
    if [[ $status == 0 || $status == 130 ]]; then
      rm -rf "$RUN_DIR"
    else
      mv "$RUN_DIR/owner" "$RUN_DIR/failed" 2>/dev/null || true
      rm -rf "$RUN_DIR"/objectstore "$RUN_DIR"/broker/mnesia
      note "logs are kept in $RUN_DIR until the next run" >&2
    fi
  fi
  exit "$status"
}

# A script that was killed outright could not stop its services: the next one does, and removes what failed runs left.
sweep_abandoned_runs() {
  local dir
  for dir in "$STATE"/run/*/; do
    if [[ -f $dir/failed ]] || { [[ -f $dir/owner ]] && ! is_alive "$dir/owner"; }; then
      stop_services "${dir%/}"
      rm -rf "$dir"
    fi
  done
}

# start_service NAME COMMAND…: runs the command in a session of its own; log, process id and the command itself (for
# ops/lib/service, which starts it again) are kept in RUN_DIR.
start_service() {
  local name=$1
  shift
  printf '%q ' "$@" >"$RUN_DIR/$name.command"
  setsid "$@" >>"$RUN_DIR/$name.log" 2>&1 </dev/null &
  remember_process "$!" >"$RUN_DIR/$name.pid"
  disown
}

# stop_services DIR: ends all of a run's services at once. What they hold is thrown away with the folder, so those that
# take their time to put their data in order are not waited for.
stop_services() {
  local files=("$1"/*.pid) file deadline=$((SECONDS + 3))
  [[ -f ${files[0]} ]] || return 0
  for file in "${files[@]}"; do signal_service TERM "$file"; done
  for file in "${files[@]}"; do wait_until $((deadline - SECONDS)) has_ended "$file" || signal_service KILL "$file"; done
  for file in "${files[@]}"; do wait_until 5 has_ended "$file" || warn "process $(cat "$file") did not end"; done
  rm -f "${files[@]}"
}

# stop_service NAME SECONDS: ends one service and gives it time to do so in good order; fails if it must be killed.
stop_service() {
  local file=$RUN_DIR/$1.pid
  signal_service TERM "$file"
  wait_until "$2" has_ended "$file" || { signal_service KILL "$file"; return 1; }
}

signal_service() {
  local pid
  is_alive "$2" || return 0
  read -r pid _ <"$2"
  kill "-$1" -- "-$pid" 2>/dev/null || kill "-$1" "$pid" 2>/dev/null || true
}

# service_is_up NAME: whether the process still lives; a ready-wait gives up early when it does not.
service_is_up() { is_alive "$RUN_DIR/$1.pid"; }

# await_service NAME SECONDS COMMAND…: waits for the command to succeed; else shows the log's end and stops the script.
await_service() {
  local name=$1 limit=$2 begin=$SECONDS
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ! service_is_up "$name"; then
      show_tail "$RUN_DIR/$name.log"
      die "$name ended while it was starting." "The reason should be in its log, the end of which is above."
    fi
    if ((SECONDS - begin >= limit)); then
      show_tail "$RUN_DIR/$name.log"
      die "$name was not ready within $limit s." "The end of its log is above. A busy machine? Try again."
    fi
    sleep 0.2
  done
}

# A process is known by its id and its start time, so that a process id used again is never mistaken for it.
remember_process() { printf '%s %s\n' "$1" "$(process_start "$1")"; }

process_start() {
  local stat fields
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  read -ra fields <<<"${stat##*) }"
  [[ ${fields[0]} != Z ]] && printf '%s' "${fields[19]}"
}

is_alive() {
  local pid begun
  read -r pid begun <"$1" 2>/dev/null || return 1
  [[ -n $begun && $(process_start "$pid") == "$begun" ]]
}

has_ended() { ! is_alive "$1"; }
