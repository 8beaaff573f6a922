# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""CONFIG: a competent export worker in Python, which ops/bench compares the worker with.

The same steps in the same order: claim, validate, trigger, poll, stream into the bucket, HEAD, audit record in the
bucket and in a file (fsync), event with a publisher confirm, acknowledgement last. pika consumes with a prefetch and
hands each message to a pool of threads; sessions, connections and tokens are reused. With "checkpoints": false it keeps
no state and is what most such workers are. What it leaves out either way: leases, take-over, retries beyond those of
its libraries, pauses, limits on what it is sent, metrics.
"""

import concurrent.futures
import functools
import json
import logging
import signal
import sys
import threading
import time
import uuid

import pika
from store import AuditFile, Bucket
from tenant import Refused, Tenant

QUEUE, EVENTS = "nlu.export.commands", "nlu.export.events"
log = logging.getLogger("worker")


class Publisher:
    """A channel with confirms for each thread."""

    def __init__(self, url):
        self._url, self._local = url, threading.local()

    def publish(self, event, message_id):
        channel = getattr(self._local, "channel", None)
        if channel is None or not channel.is_open:
            connection = pika.BlockingConnection(pika.URLParameters(self._url + "?heartbeat=0"))
            channel = self._local.channel = connection.channel()
            channel.confirm_delivery()
        key = "nlu.export.completed" if event["data"]["status"] == "SUCCESS" else "nlu.export.failed"
        channel.basic_publish(
            EVENTS, key, json.dumps(event).encode(), mandatory=True, properties=pika.BasicProperties(
                content_type="application/json", delivery_mode=2, message_id=message_id,
                correlation_id=event["data"]["commandId"], headers={"ce-id": message_id, "ce-type": "com." + key}))


class Worker:
    def __init__(self, config):
        self.config = config
        count = config["prefetch"]
        self.tenant = Tenant(config["tenant"], config["clientId"], config["clientSecret"], count)
        self.bucket = Bucket(config["bucket"], count)
        self.audit = AuditFile(config["auditFile"])
        self.publisher = Publisher(config["amqp"])
        self.pool = concurrent.futures.ThreadPoolExecutor(count)
        self.connection = pika.BlockingConnection(pika.URLParameters(config["amqp"]))
        self.channel = self.connection.channel()

    def run(self):
        self.channel.basic_qos(prefetch_count=self.config["prefetch"])
        self.channel.basic_consume(QUEUE, self.received)
        log.info("consuming %s", QUEUE)
        self.channel.start_consuming()

    def received(self, channel, method, properties, body):
        log.info("command received %s", properties.message_id)
        self.pool.submit(self.handle, channel, method.delivery_tag, body)

    def handle(self, channel, tag, body):
        try:
            success = self.export(json.loads(body))
            settle = channel.basic_ack if success else functools.partial(channel.basic_reject, requeue=False)
        except Exception:
            log.exception("the command goes back")
            settle = channel.basic_nack
        self.connection.add_callback_threadsafe(functools.partial(settle, tag))

    def export(self, command):
        begun, run = time.monotonic(), str(uuid.uuid4())
        state = State(self, command, run)
        state.write("claimed")
        data = {name: command[name] for name in ("commandId", "modelId", "version", "format")} | {"tenant": "default"}
        try:
            self.tenant.check(command["modelId"], command["version"])
            job = self.tenant.trigger(command, run)
            state.write("triggered", jobId=job["jobId"], exportId=job["exportId"])
            key = f"nlu-exports/{command['modelId']}/{command['version']}/{job['exportId']}.onnx"
            with self.tenant.download(self.tenant.wait(job["jobId"])) as answer:
                size, sha256 = self.bucket.artifact(key, answer, {
                    "export-format": command["format"], "command-id": command["commandId"],
                    "export-id": job["exportId"]})
            self.bucket.verify(key, size)
            data |= {
                "exportId": job["exportId"], "jobId": job["jobId"], "artifactSizeBytes": size, "artifactSha256": sha256,
                "storageLocation": f"s3://{self.bucket.name}/{key}", "status": "SUCCESS"}
        except Refused as error:
            data |= {"status": "FAILURE", "error": {"message": str(error)}}
        data["durationSeconds"] = round(time.monotonic() - begun, 3)
        self.decide(state, data, run)
        log.info("%s %s", command["commandId"], data["status"])
        return data["status"] == "SUCCESS"

    def decide(self, state, data, run):
        """The outcome is made durable and told; the acknowledgement comes after."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        state.write("decided", outcome={**data, "timestamp": stamp})
        record_id = str(uuid.uuid5(uuid.UUID(run), "audit"))
        record = {
            "log_type": "nlu_export_audit", "record_id": record_id, "timestamp": stamp, "actor": "automation_service",
            "action": "export_model", "resource": f"nlu:{data['modelId']}:{data['version']}", "tenant": "default",
            "command_id": data["commandId"], "export_id": data.get("exportId"), "job_id": data.get("jobId"),
            "outcome": data["status"], "metrics": {
                "duration_seconds": data["durationSeconds"], "artifact_size_bytes": data.get("artifactSizeBytes"),
                "artifact_sha256": data.get("artifactSha256"), "storage_destination": data.get("storageLocation")},
            "compliance_flags": {
                "encrypted_at_rest": True, "scope_validated": True, "version_constrained": True}}
        self.bucket.document(
            f"audit/{time.strftime('%Y/%m/%d', time.gmtime())}/{record_id}.json", record, IfNoneMatch="*")
        self.audit.write(record)
        event = "completed" if data["status"] == "SUCCESS" else "failed"
        self.publisher.publish(
            {"event": f"nlu_model_export_{event}", "timestamp": stamp, "data": data},
            str(uuid.uuid5(uuid.UUID(run), event)))


class State:
    """The command's checkpoint in the bucket, each write conditional on the one before."""

    def __init__(self, worker, command, run):
        self.worker, self.command, self.run, self.etag = worker, command, run, None

    def write(self, stage, **what):
        if not self.worker.config["checkpoints"]:
            return
        condition = {"IfMatch": self.etag} if self.etag else {"IfNoneMatch": "*"}
        self.etag = self.worker.bucket.document(
            f"state/default/{self.command['commandId']}.json",
            {"schema": 1, "commandId": self.command["commandId"], "runId": self.run, "stage": stage,
             "nonce": str(uuid.uuid4()), **what}, **condition)


def main():
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("pika").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with open(sys.argv[1], encoding="utf-8") as file:
        Worker(json.load(file)).run()


if __name__ == "__main__":
    main()
