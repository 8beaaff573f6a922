# shellcheck shell=bash disable=SC2034,SC2015,SC2154  # variables are shared with those who source this; `a && b || die` is meant
# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
#
# What ops/test and ops/sanitize have in common: phases with a summary at the end, the servers tests need, and the tests
# themselves. Sourced after common.sh, swift.sh, broker.sh and objectstore.sh.

# What needs servers is skipped without them, by name here and by environment in the tests themselves.
needs_servers='^(IntegrationTests\.|ChaosTests\.ChaosRunTests)'
needs_broker_control='^IntegrationTests\.AMQP(BrokerFault|TLS)Tests'
# Makes trouble for everything at once, and wants no company.
makes_chaos='^ChaosTests\.ChaosRunTests'
summary=()
# What tests have to be run with besides build_flags: the scratch path and the sanitizer they were built with.
test_flags=()
# What names the servers that were started here.
own_servers=()

# phase TITLE COMMAND…: runs the command, and keeps how long it took for the summary.
phase() {
  local title=$1 begin=$SECONDS
  shift
  step "$title"
  current_phase=$title
  "$@"
  current_phase=
  summary+=("$(printf '%-34s %8s' "$title" "$(duration $((SECONDS - begin)))")")
}

# run_tests NAME [options of swift test…]: the output goes to a log, of which the failures and the count are shown.
run_tests() {
  local log=$RUN_DIR/$1-tests.log status=0 begin=$SECONDS
  shift
  (cd "$ROOT" && swift test "${build_flags[@]}" "${test_flags[@]}" --skip-build --disable-xctest "$@") >"$log" 2>&1 || status=$?
  if ((status != 0)); then
    grep -E '(✘|error:|Fatal error|recorded an issue|↳)' "$log" | head -n 80 >&2 || true
    show_tail "$log" 15
    show_server_logs
    die "tests failed after $(duration $((SECONDS - begin)))." "The whole output: $log"
  fi
  local count
  count=$(sed -nE 's/.*Test run with ([0-9]+ tests?).* passed.*/\1/p' "$log" | tail -n 1)
  [[ -n $count && $count != '0 tests' ]] || {
    show_tail "$log"
    die 'no test was run.' "${filters:+Does a test match ${filters[*]}? }See: swift test list"
  }
  ok "$count passed"
}

show_server_logs() {
  local log
  for log in "$RUN_DIR"/broker/log/*.log "$RUN_DIR/seaweedfs.log"; do
    [[ ! -f $log ]] || show_tail "$log" 15
  done
}

start_servers() {
  [[ -n ${NLU_TEST_AMQP_URL:-} ]] || start_broker
  [[ -n ${NLU_TEST_S3_ENDPOINT:-} ]] || start_objectstore
  if [[ -z ${NLU_TEST_AMQP_URL:-} ]]; then
    await_broker
    export NLU_TEST_AMQP_URL=$AMQP_URL NLU_TEST_MANAGEMENT_URL=$MANAGEMENT_URL
    own_servers+=(NLU_TEST_AMQP_URL NLU_TEST_MANAGEMENT_URL)
  else
    note 'the broker is the one in NLU_TEST_AMQP_URL'
  fi
  if [[ -z ${NLU_TEST_S3_ENDPOINT:-} ]]; then
    await_objectstore
    export NLU_TEST_S3_ENDPOINT=$S3_ENDPOINT NLU_TEST_S3_ACCESS_KEY=$S3_ACCESS_KEY NLU_TEST_S3_SECRET_KEY=$S3_SECRET_KEY
    own_servers+=(NLU_TEST_S3_ENDPOINT NLU_TEST_S3_ACCESS_KEY NLU_TEST_S3_SECRET_KEY)
  else
    note "the S3 server is $NLU_TEST_S3_ENDPOINT"
  fi
}

# Tests that put the whole broker into trouble (alarms, TLS, closed connections, SIGKILL): alone, and one after another.
test_broker_faults() {
  [[ -n ${broker_environment:-} ]] || {
    note 'left out: they need a broker of their own, not the one in NLU_TEST_AMQP_URL'
    return 0
  }
  local control services
  control=$(write_broker_control)
  printf -v services '%q %q' "$ROOT/ops/lib/service" "$RUN_DIR"
  NLU_TEST_RABBITMQCTL=$control NLU_TEST_SERVICES=$services run_tests broker-faults --no-parallel --filter "$needs_broker_control"
}

# A short run of what ops/chaos does at length; where the broker is ours, it closes connections too.
test_chaos() {
  local control=
  [[ -z ${broker_environment:-} ]] || control=$(write_broker_control)
  NLU_TEST_RABBITMQCTL=$control run_tests chaos --filter "$makes_chaos"
}

stop_servers() {
  stop_services "$RUN_DIR"
  # Who comes next starts others.
  unset "${own_servers[@]}"
  own_servers=()
  ok 'nothing is left running'
}

print_summary() {
  local status=$? line
  set +e
  printf '\n'
  for line in "${summary[@]}"; do printf '  %s\n' "$line"; done
  if ((status == 0)); then
    printf '%s  %-34s %8s%s\n' "$green" 'everything passed' "$(duration $((SECONDS - started_at)))" "$plain"
  else
    printf '%s  failed: %-26s %8s%s\n' "$red" "${current_phase:-before it began}" \
      "$(duration $((SECONDS - started_at)))" "$plain"
  fi
  (exit "$status")
  close_run_dir
}
