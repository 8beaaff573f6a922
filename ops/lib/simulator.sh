# shellcheck shell=bash disable=SC2034,SC2015,SC2154  # variables are shared with those who source this; `a && b || die` is meant
# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
#
# The Cognigy tenant of the demo: cognigy-simulator on loopback. Sourced after common.sh and swift.sh; uses RUN_DIR.
#
# start_simulator sets SIMULATOR_URL. Ports are free ones unless SIMULATOR_PORT and SIMULATOR_DOWNLOAD_PORT are given.

SIMULATOR_CLIENT_ID=nlu-export-worker
SIMULATOR_CLIENT_SECRET=nlu-export-worker-secret

# start_simulator [options of cognigy-simulator…]
start_simulator() {
  take_port SIMULATOR_PORT 'the Cognigy simulator'
  take_port SIMULATOR_DOWNLOAD_PORT "the Cognigy simulator's download host"
  SIMULATOR_URL=http://127.0.0.1:$SIMULATOR_PORT
  start_service simulator "$(built cognigy-simulator)" --port "$SIMULATOR_PORT" \
    --download-port "$SIMULATOR_DOWNLOAD_PORT" --client-id "$SIMULATOR_CLIENT_ID" \
    --client-secret "$SIMULATOR_CLIENT_SECRET" "$@"
}

await_simulator() {
  await_service simulator 20 curl --silent --fail --max-time 2 "$SIMULATOR_URL/_sim/health"
  ok "Cognigy simulator on $SIMULATOR_URL, downloads from port $SIMULATOR_DOWNLOAD_PORT"
}
