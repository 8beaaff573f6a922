# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""What the benchmark runs against: the simulated tenant, the stores and the broker that ops/bench has started."""

import contextlib
import datetime
import json
import os
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import botocore.config
import pika
from signing import sign_v4

COMMANDS = "nlu.export.commands"
EVENTS_EXCHANGE = "nlu.export.events"
EVENTS = "bench.events"


@dataclass
class Store:
    """An S3 server."""

    name: str
    endpoint: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"

    def client(self):
        return boto3.client(
            "s3", endpoint_url=self.endpoint, region_name=self.region, aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=botocore.config.Config(
                s3={"addressing_style": "path"}, request_checksum_calculation="when_required"))

    def make_bucket(self, bucket):
        self.client().create_bucket(Bucket=bucket)
        return bucket

    def clear(self):
        """Makes the null store forget what it knows, so that one contender does not pay for the last one's objects."""
        if self.name == "null":
            with urllib.request.urlopen(f"{self.endpoint}/_bench/clear") as answer:
                answer.read()

    def ledger(self):
        """What the null store has been asked and has verified; None of another store."""
        if self.name != "null":
            return None
        with urllib.request.urlopen(f"{self.endpoint}/_bench/ledger") as answer:
            return json.load(answer)

    def upload_headers(self, bucket, key):
        """The headers of a signed put for curl, which signs other requests than S3 wants in its older versions."""
        host = urllib.parse.urlsplit(self.endpoint).netloc
        stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        headers = {"host": host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amz-date": stamp}
        authorization = sign_v4(
            "PUT", f"/{bucket}/{key}", headers, self.region, self.access_key, self.secret_key)
        del headers["host"]
        return {**headers, "authorization": authorization}


class Tenant:
    """The simulator, as an administrator sees it and as a client does."""

    def __init__(self, url, client_id, secret):
        self.url, self.client_id, self.secret = url, client_id, secret

    def _call(self, path, body=None, headers=None):
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(self.url + path, data=data, headers=headers or {})
        if isinstance(body, dict):
            request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def log(self):
        return self._call("/_sim/log")

    def reset(self):
        self._call("/_sim/reset", {})

    def add_rule(self, rule):
        self._call("/_sim/scenarios", {"rules": [rule]})

    def link(self, model, version="1.0.0"):
        """A download link of a model's artifact, as an export job hands it out."""
        form = urllib.parse.urlencode(
            {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.secret}).encode()
        token = self._call(
            "/api/v1/auth/oauth/token", form, {"content-type": "application/x-www-form-urlencoded"})["access_token"]
        bearer = {"authorization": f"Bearer {token}"}
        job = self._call(
            f"/api/v1/nlu/models/{model}/exports", {"modelId": model, "version": version, "format": "ONNX"}, bearer)
        while True:
            page = self._call(f"/api/v1/jobs/{job['jobId']}", headers=bearer)
            if page.get("downloadUrl"):
                return page["downloadUrl"]
            time.sleep(0.05)


class Broker:
    """RabbitMQ: commands go in, and how many events and commands lie where is asked without touching them."""

    def __init__(self, url):
        self.url = url
        self._connection = self._channel = None

    @property
    def channel(self):
        if self._channel is None:
            self._connection = pika.BlockingConnection(pika.URLParameters(self.url + "?heartbeat=0"))
            self._channel = self._connection.channel()
            self._channel.queue_declare(EVENTS, durable=True, arguments={"x-queue-type": "quorum"})
            self._channel.queue_bind(EVENTS, EVENTS_EXCHANGE, "nlu.export.completed")
            self._channel.queue_bind(EVENTS, EVENTS_EXCHANGE, "nlu.export.failed")
        return self._channel

    def close(self):
        with contextlib.suppress(Exception):
            if self._connection:
                self._connection.close()

    def purge(self):
        for queue in (COMMANDS, EVENTS):
            self.channel.queue_purge(queue)

    def publish(self, commands):
        """Puts commands into the queue as fast as the broker takes them."""
        for command in commands:
            self.channel.basic_publish(
                COMMANDS, COMMANDS, json.dumps(command).encode(),
                pika.BasicProperties(
                    message_id=command["commandId"], content_type="application/json", delivery_mode=2))

    def events_ready(self):
        return self.channel.queue_declare(EVENTS, passive=True).method.message_count

    def consumers(self):
        return self.channel.queue_declare(COMMANDS, passive=True).method.consumer_count

    def waiting(self):
        return self.channel.queue_declare(COMMANDS, passive=True).method.message_count

    def take_events(self):
        """The bodies of all events that lie there."""
        events = []
        while True:
            method, _, body = self.channel.basic_get(EVENTS, auto_ack=True)
            if method is None:
                return events
            events.append(json.loads(body))


@dataclass
class Surroundings:
    """Everything together, from the environment that ops/bench has set."""

    tenant: Tenant
    stores: dict
    broker: Broker
    programs: dict
    folder: Path
    python: str
    #: The worker runs under this command, a profiler.
    under: list = field(default_factory=list)

    @staticmethod
    def here():
        env = os.environ
        stores = {}
        for name in ("null", "seaweedfs"):
            endpoint = env.get(f"BENCH_{name.upper()}_ENDPOINT")
            if endpoint:
                stores[name] = Store(name, endpoint, env["BENCH_S3_ACCESS_KEY"], env["BENCH_S3_SECRET_KEY"])
        folder = Path(env["BENCH_FOLDER"])
        return Surroundings(
            Tenant(env["BENCH_TENANT_URL"], env["BENCH_CLIENT_ID"], env["BENCH_CLIENT_SECRET"]), stores,
            Broker(env.get("BENCH_AMQP_URL", "")),
            {"worker": env["BENCH_WORKER"], "peers": env["BENCH_PEERS"], "tools": env["BENCH_TOOLS"]}, folder,
            env["BENCH_PYTHON"])

    def environment(self, store):
        """Of every contender: the same store, the same keys, nothing of the user's own."""
        env = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR") if name in os.environ}
        aws = self.folder / "aws.ini"
        if not aws.exists():
            aws.write_text("[default]\nregion = us-east-1\ns3 =\n  addressing_style = path\n"
                           "  payload_signing_enabled = false\n")
        env.update(
            HOME=str(self.folder), AWS_CONFIG_FILE=str(aws), AWS_ACCESS_KEY_ID=store.access_key,
            AWS_SECRET_ACCESS_KEY=store.secret_key, AWS_ENDPOINT_URL_S3=store.endpoint, AWS_REGION=store.region,
            AWS_EC2_METADATA_DISABLED="true", RCLONE_CONFIG="/dev/null", RCLONE_S3_PROVIDER="Other",
            RCLONE_S3_ENDPOINT=store.endpoint, RCLONE_S3_REGION=store.region,
            RCLONE_S3_ACCESS_KEY_ID=store.access_key, RCLONE_S3_SECRET_ACCESS_KEY=store.secret_key,
            RCLONE_S3_FORCE_PATH_STYLE="true", RCLONE_S3_NO_CHECK_BUCKET="true", RCLONE_S3_CHUNK_SIZE="8Mi",
            RCLONE_S3_USE_UNSIGNED_PAYLOAD="true", RCLONE_S3_SERVER_SIDE_ENCRYPTION="AES256", NO_COLOR="1")
        return env

    def settings(self, store, bucket, **changes):
        """A configuration of the worker (JSON is YAML), its path returned; values are for keys like amqp_prefetch."""
        document = {
            "cognigy": {"tenants": {"default": {
                "baseUrl": self.tenant.url, "clientId": self.tenant.client_id, "clientSecret": self.tenant.secret}}},
            "s3": {"bucket": bucket, "endpoint": store.endpoint, "addressing": "path"},
            "http": {"port": 0}, "log": {"format": "json"}}
        if self.broker.url:
            document["amqp"] = {"url": self.broker.url}
        for name, value in changes.items():
            section, _, key = name.partition("_")
            document.setdefault(section, {})[key] = value
        path = self.folder / f"worker-{bucket}.yaml"
        path.write_text(json.dumps(document, indent=1) + "\n")
        path.chmod(0o600)
        return path
