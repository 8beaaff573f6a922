# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""The workers that are compared: ours, and a competent one in Python with and without the same durable steps."""

import json
from collections import Counter
from dataclasses import dataclass

from processes import Failed


@dataclass
class Contender:
    """A worker that can be started."""

    name: str
    label: str
    checkpoints: str
    make: object

    def command(self, here, store, bucket, **options):
        return self.make(here, store, bucket, **options)

    def check(self, events, count):
        """All commands must have ended well, each told once or more."""
        bad = [event for event in events if event["event"] != "nlu_model_export_completed"]
        if bad:
            raise Failed(f"{self.name}: a command failed: {json.dumps(bad[0])[:600]}")
        told = Counter(event["data"]["commandId"] for event in events)
        if len(told) != count:
            raise Failed(f"{self.name}: {len(told)} commands were announced, {count} expected")


def ours(here, store, bucket, prefetch=32, **changes):
    config = here.settings(
        store, bucket, amqp_prefetch=prefetch, audit_file=str(here.folder / f"audit-{bucket}.jsonl"), **changes)
    return [*here.under, here.programs["worker"], "run", "--config", str(config)]


def python(checkpoints):
    def make(here, store, bucket, prefetch=32):
        config = here.folder / f"peer-{bucket}.json"
        config.write_text(json.dumps({
            "amqp": here.broker.url, "tenant": here.tenant.url, "clientId": here.tenant.client_id,
            "clientSecret": here.tenant.secret, "bucket": bucket,
            "auditFile": str(here.folder / f"audit-{bucket}.jsonl"), "prefetch": prefetch,
            "checkpoints": checkpoints}, indent=1) + "\n")
        config.chmod(0o600)
        return [here.python, f"{here.programs['peers']}/worker.py", str(config)]

    return make


def contenders(here, workload):
    """All of them; the workload names what they leave behind."""
    del here, workload
    return [
        Contender("nlu-export-worker", "worker", "yes", ours),
        Contender("python worker", "python", "yes", python(True)),
        Contender("python worker, no checkpoints", "python-bare", "no", python(False))]


def bucket_for(store, contender, workload):
    return store.make_bucket(f"bench-{workload}-{contender.label}")


def command_of(prefix, number, model, version="1.0.0"):
    return {"commandId": f"{prefix}-{number}", "modelId": model, "version": version, "format": "ONNX",
            "metadata": {"environment": "bench"}}
