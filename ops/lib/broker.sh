# shellcheck shell=bash disable=SC2034,SC2015,SC2154  # variables are shared with those who source this; `a && b || die` is meant
# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
#
# A RabbitMQ node of our own on loopback: own name, ports, cookie, data and logs, none of it shared with a broker that
# may run on the machine already. Sourced after common.sh; uses RUN_DIR.
#
# start_broker sets AMQP_URL and MANAGEMENT_URL. Ports are free ones unless AMQP_PORT, MANAGEMENT_PORT, PROMETHEUS_PORT
# are given.

RABBITMQ_HOME=${RABBITMQ_HOME:-/usr/lib/rabbitmq}
BROKER_USER=guest
BROKER_PASSWORD=guest

start_broker() {
  take_port AMQP_PORT 'RabbitMQ (AMQP)'
  take_port MANAGEMENT_PORT "RabbitMQ's management page"
  take_port PROMETHEUS_PORT "RabbitMQ's metrics"
  take_port broker_distribution_port
  take_port broker_epmd_port
  AMQP_URL=amqp://$BROKER_USER:$BROKER_PASSWORD@127.0.0.1:$AMQP_PORT/%2f
  MANAGEMENT_URL=http://127.0.0.1:$MANAGEMENT_PORT

  broker_home=$RUN_DIR/broker
  mkdir -p "$broker_home"/{definitions,mnesia,log}
  write_broker_configuration
  broker_environment=(
    "HOME=$broker_home" "ERL_CRASH_DUMP=$broker_home/log/erl_crash.dump"
    "ERL_EPMD_PORT=$broker_epmd_port" ERL_EPMD_ADDRESS=127.0.0.1
    "RABBITMQ_NODENAME=nlu-$AMQP_PORT@localhost" "RABBITMQ_DIST_PORT=$broker_distribution_port"
    "RABBITMQ_MNESIA_BASE=$broker_home/mnesia" "RABBITMQ_LOG_BASE=$broker_home/log"
    "RABBITMQ_CONFIG_FILE=$broker_home/rabbitmq.conf" "RABBITMQ_ADVANCED_CONFIG_FILE=$broker_home/none.config"
    "RABBITMQ_ENABLED_PLUGINS_FILE=$broker_home/enabled_plugins" RABBITMQ_CONF_ENV_FILE=/dev/null
    "RABBITMQ_PID_FILE=$broker_home/pid" 'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}'
    RUNNING_UNDER_SYSTEMD=true  # the script becomes the node instead of waiting for it: one process to stop
  )
  # Erlang's name service would be started by the node otherwise, and stay behind.
  start_service epmd "$(broker_epmd)" -port "$broker_epmd_port" -address 127.0.0.1
  start_service rabbitmq env "${broker_environment[@]}" "$RABBITMQ_HOME/bin/rabbitmq-server"
}

# The log that says why a node does not start is not the one its output goes to; both are shown.
await_broker() {
  local log=$broker_home/log/nlu-$AMQP_PORT@localhost.log
  if ! wait_until 60 broker_is_ready_or_gone || ! service_is_up rabbitmq; then
    show_tail "$log" 20
    show_tail "$RUN_DIR/rabbitmq.log" 20
    die 'RabbitMQ did not become ready.' 'The ends of its logs are above.' \
      'Often: /etc/hosts has no line "127.0.0.1 localhost", or the disk is nearly full.'
  fi
  ok "RabbitMQ $(broker_version) on 127.0.0.1:$AMQP_PORT, management $MANAGEMENT_URL ($BROKER_USER/$BROKER_PASSWORD)"
}

# broker_api PATH [curl options…]: a call to the management API; fails on an HTTP error.
broker_api() {
  local path=$1
  shift
  curl --silent --show-error --fail --max-time 10 --user "$BROKER_USER:$BROKER_PASSWORD" \
    --header 'content-type: application/json' "$@" "$MANAGEMENT_URL/api/$path"
}

broker_is_ready_or_gone() {
  service_is_up rabbitmq || return 0
  broker_api health/checks/local-alarms
}

broker_version() { broker_api overview | sed -n 's/.*"rabbitmq_version":"\([^"]*\)".*/\1/p'; }

# broker_ctl …: rabbitmqctl against this node.
broker_ctl() { env "${broker_environment[@]}" "$RABBITMQ_HOME/bin/rabbitmqctl" --quiet "$@"; }

# write_broker_control: makes a script that runs rabbitmqctl against this node, for those who do not know its
# environment, and prints its path.
write_broker_control() {
  local control=$RUN_DIR/rabbitmqctl
  {
    printf '#!/usr/bin/env bash\nexec env'
    printf ' %q' "${broker_environment[@]}" "$RABBITMQ_HOME/bin/rabbitmqctl" --quiet
    printf ' "$@"\n'
  } >"$control"
  chmod +x "$control"
  printf '%s' "$control"
}

broker_epmd() {
  local candidate
  for candidate in "${ERLANG_ROOT:-/usr/lib/erlang}"/erts-*/bin/epmd "$(command -v epmd)"; do
    [[ ! -x $candidate ]] || { printf '%s' "$candidate"; return; }
  done
  die "Erlang's epmd is missing." 'It belongs to the package erlang-base: apt-get install --reinstall erlang-base'
}

# The project's own rabbitmq.conf, definitions and plugins are what runs, so every run proves that they can be imported.
write_broker_configuration() {
  local source=$ROOT/config/rabbitmq
  cp "$source/enabled_plugins" "$broker_home/"
  cp "$source/definitions.json" "$broker_home/definitions/10-topology.json"
  cat >"$broker_home/definitions/20-user.json" <<JSON
{"users": [{"name": "$BROKER_USER", "password": "$BROKER_PASSWORD", "tags": ["administrator"], "limits": {}}],
 "permissions": [{"user": "$BROKER_USER", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}]}
JSON
  grep -vE '^(load_definitions|disk_free_limit)' "$source/rabbitmq.conf" >"$broker_home/rabbitmq.conf"
  cat >>"$broker_home/rabbitmq.conf" <<CONF
load_definitions = $broker_home/definitions
disk_free_limit.absolute = 50MB
listeners.tcp.1 = 127.0.0.1:$AMQP_PORT
management.tcp.ip = 127.0.0.1
management.tcp.port = $MANAGEMENT_PORT
management.rates_mode = basic
collect_statistics_interval = 1000
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = $PROMETHEUS_PORT
CONF
  (umask 077 && printf '%s%s%s' "$RANDOM" "$RANDOM" "$RANDOM" >"$broker_home/.erlang.cookie")
  chmod 400 "$broker_home/.erlang.cookie"
}
