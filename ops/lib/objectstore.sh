# shellcheck shell=bash disable=SC2034,SC2015,SC2154  # variables are shared with those who source this; `a && b || die` is meant
# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
#
# An S3 server of our own on loopback: SeaweedFS (all of master, volume, filer and S3 in one process), with checksums
# verified, conditional writes and server-side encryption. Sourced after common.sh; uses RUN_DIR and WEED.
#
# start_objectstore sets S3_ENDPOINT, S3_ACCESS_KEY, S3_SECRET_KEY. Ports are free ones unless S3_PORT is given.

S3_ACCESS_KEY=nlu-export
S3_SECRET_KEY=nlu-export-secret
S3_REGION=us-east-1

start_objectstore() {
  local home=$RUN_DIR/objectstore
  take_port S3_PORT 'the S3 server'
  local name
  for name in s3_grpc master master_grpc volume volume_grpc filer filer_grpc; do take_port "objectstore_$name"; done
  S3_ENDPOINT=http://127.0.0.1:$S3_PORT
  mkdir -p "$home"
  (umask 077 && cat >"$home/s3.json" <<JSON
{"identities": [{"name": "nlu-export", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
  "credentials": [{"accessKey": "$S3_ACCESS_KEY", "secretKey": "$S3_SECRET_KEY"}]}]}
JSON
  )
  local arguments=(
    -dir="$home" -ip=127.0.0.1 -ip.bind=127.0.0.1
    -master.port="$objectstore_master" -master.port.grpc="$objectstore_master_grpc" -master.electionTimeout=1s
    # Many small buckets: volumes are files that grow, so a high number costs nothing.
    -master.volumeSizeLimitMB=1024 -volume.max=2000 -volume.minFreeSpace=200MiB -volume.preStopSeconds=0
    -volume.port="$objectstore_volume" -volume.port.grpc="$objectstore_volume_grpc"
    -filer -filer.port="$objectstore_filer" -filer.port.grpc="$objectstore_filer_grpc"
    -s3 -s3.port="$S3_PORT" -s3.port.grpc="$objectstore_s3_grpc" -s3.config="$home/s3.json"
    # These would listen on fixed ports, or call home.
    -s3.port.iceberg=0 -s3.port.lance=0 -master.telemetry=false
  )
  # With the key, `x-amz-server-side-encryption: AES256` works; one volume a bucket is enough here (default: seven).
  start_service seaweedfs env "HOME=$home" WEED_S3_SSE_KEY="$(printf '%064d' 20261123)" \
    WEED_MASTER_VOLUME_GROWTH_COPY_1=1 "$WEED" -logtostderr=true server "${arguments[@]}"
}

await_objectstore() {
  await_service seaweedfs 60 make_bucket objectstore-ready
  remove_bucket objectstore-ready
  ok "SeaweedFS $("$WEED" version 2>/dev/null | sed -n 's/^version [^ ]* \([0-9.]*\).*/\1/p') on $S3_ENDPOINT"
}

# s3_call METHOD PATH [curl options…]: a signed request (curl signs; good for plain paths and sorted queries).
s3_call() {
  local how=(--request "$1") path=$2
  [[ $1 != HEAD ]] || how=(--head)
  shift 2
  curl --silent --show-error --fail --max-time 30 "${how[@]}" --aws-sigv4 "aws:amz:$S3_REGION:s3" \
    --user "$S3_ACCESS_KEY:$S3_SECRET_KEY" "$@" "$S3_ENDPOINT/$path"
}

make_bucket() { s3_call PUT "$1"; }
remove_bucket() { s3_call DELETE "$1"; }

# s3_keys BUCKET PREFIX: the keys under a prefix, one a line (the first thousand).
s3_keys() {
  s3_call GET "$1?list-type=2&prefix=${2//\//%2F}" | grep -o '<Key>[^<]*</Key>' | sed 's/<[^>]*>//g'
}
