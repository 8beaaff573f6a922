# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""transfer: one artifact from the tenant into the bucket, by the worker and by what people use instead.

The store is the null store by default: a real one spends several times the CPU of its clients on the same two cores,
and what is compared here is what the clients spend.
"""

import json
import os
import shlex

from processes import MIB, Failed, measure
from results import GIB, Column, Row, fact, metric, number, parse_size, relative, size_text

BUCKET = "bench-transfer"
FLOOR, WORKER = "floor", "nlu-export-worker"
METRICS = ("cpu_seconds", "kernel_seconds", "cpu_seconds_per_gib", "wall_seconds", "peak_bytes")
CONTENDERS = (WORKER, "rclone copyurl", "boto3 stream", "curl | aws", "boto3 buffer")


class Transfer:
    """One size of artifact, moved by everybody in turn."""

    def __init__(self, here, store, size):
        self.here, self.store, self.size = here, store, size
        self.env = here.environment(store)
        self.model = f"bench-size-{size_text(size)}"
        self.log = here.folder / f"transfer-{size_text(size)}.log"
        self.count = 0
        self.config = here.settings(store, BUCKET)
        self.sha256 = None
        # A file in memory that is gone with this process, however that ends.
        self.memory = os.memfd_create("artifact")
        self.copy = f"/proc/{os.getpid()}/fd/{self.memory}"

    def prepare(self):
        """The artifact as a file in memory, for the two steps of the floor that need one."""
        measure(["curl", "-sSf", "-o", self.copy, self.here.tenant.link(self.model)], self.env, self.log)
        hashes = {
            "openssl": ["openssl", "dgst", "-sha256", "-r", self.copy], "coreutils": ["sha256sum", self.copy]}
        costs = {name: measure(command, self.env, self.log) for name, command in hashes.items()}
        self.hash = hashes[min(costs, key=lambda name: costs[name].cpu)]
        self.sha256 = costs["openssl"].output.split()[0]

    def close(self):
        os.close(self.memory)

    def run(self, contender):
        """Runs one contender once; its cost, and what the store verified of what it sent."""
        self.count += 1
        self.store.clear()
        key = f"bench/{self.count}"
        before = self.store.ledger()
        steps = self.commands(contender, key, self.here.tenant.link(self.model))
        cost = None
        for command, shown in steps:
            step = measure(command, self.env, self.log)
            if contender == FLOOR and "-T" in command:
                step.output = cost.output
            cost = cost.plus(step) if cost else step
            if contender == FLOOR and step.output and self.sha256 not in step.output:
                raise Failed(f"another SHA-256 than before: {shown}")
        self._check(contender, cost.output)
        return cost, verified(before, self.store.ledger())

    def _check(self, contender, output):
        """Whoever says a SHA-256 has to say the right one."""
        if contender == WORKER:
            said = json.loads(output)["data"]["artifactSha256"]
        elif contender in (FLOOR, "rclone copyurl"):
            return
        else:
            said = output.split()[0]
        if said != self.sha256:
            raise Failed(f"{contender} computed the SHA-256 {said}, which is {self.sha256}")

    def commands(self, contender, key, url):
        """The steps of a contender, each as it is run and as it is shown."""
        tools, peers = self.here.programs["tools"], self.here.programs["peers"]
        python = self.here.python
        if contender == WORKER:
            return shown([
                *self.here.under, self.here.programs["worker"], "export", "--config", str(self.config), "--model", self.model,
                "--version", "1.0.0", "--command-id", f"bench-{os.getpid()}-{self.count}", "--output", "json"])
        if contender == "rclone copyurl":
            return shown([f"{tools}/rclone", "copyurl", url, f":s3:{BUCKET}/{key}"])
        if contender == "boto3 stream":
            return shown([python, f"{peers}/stream.py", url, BUCKET, key])
        if contender == "boto3 buffer":
            return shown([python, f"{peers}/buffer.py", url, BUCKET, key])
        if contender == "curl | aws":
            fifo = shlex.quote(str(self.here.folder / "hash.fifo"))
            return [(
                f"rm -f {fifo}; mkfifo {fifo}; openssl dgst -sha256 -r <{fifo} & curl -sSf {shlex.quote(url)} | "
                f"tee {fifo} | {tools}/aws s3 cp - s3://{BUCKET}/{key} --checksum-algorithm CRC32C --sse AES256 "
                f"--expected-size {self.size} --no-progress >/dev/null; wait",
                "curl -sSf URL | tee >(openssl dgst -sha256) | aws s3 cp - s3://BUCKET/KEY --checksum-algorithm CRC32C "
                "--sse AES256 --expected-size SIZE")]
        headers = []
        for name, value in self.store.upload_headers(BUCKET, key).items():
            headers += ["-H", f"{name}: {value}"]
        upload = [
            "curl", "-sSf", "-o", "/dev/null", *headers, "-T", self.copy, f"{self.store.endpoint}/{BUCKET}/{key}"]
        return [
            (["curl", "-sSf", "-o", "/dev/null", url], "curl -o /dev/null URL"), (self.hash, " ".join(self.hash)),
            (upload, "curl -H 'authorization: AWS4-HMAC-SHA256 …' -T FILE STORE/BUCKET/KEY")]

    def shown(self, contender):
        """A contender's command for the report."""
        text = " && ".join(text for _, text in self.commands(contender, "KEY", "URL"))
        return text.replace(self.copy, "FILE").replace(f"bench-{os.getpid()}-{self.count}", "ID").replace(
            self.model, "bench-size-SIZE")


def shown(command):
    return [(command, " ".join(command))]


def verified(before, after):
    """What the store compared of the bytes it was sent, as the store counts it."""
    if before is None:
        return ""
    count = after["bodyBytes"] - before["bodyBytes"]
    names = []
    for name, label in (("crc32c", "CRC32C"), ("md5", "MD5"), ("sha256", "SHA-256 of each request")):
        share = after["verifiedBytes"].get(name, 0) - before["verifiedBytes"].get(name, 0)
        # Small documents come with checksums, too: most of the bytes decide.
        if count and share / count > 0.99:
            names.append(label)
    return " + ".join(names) or "nothing"


WHOLE = {FLOOR: "yes", WORKER: "yes, and HEAD", "rclone copyurl": "no", "boto3 stream": "yes", "curl | aws": "yes",
         "boto3 buffer": "yes"}


def run(here, store, options, report):
    sizes = [(parse_size(size), count) for size, count in options.sizes]
    store.make_bucket(BUCKET)
    rows = []
    for size, repetitions in sizes:
        rows += run_size(Transfer(here, store, size), repetitions, options)
    columns = [
        Column("contender", lambda row: row.contender, right=False), metric("CPU s", "cpu_seconds"),
        metric("of it kernel", "kernel_seconds"), metric("CPU s/GiB", "cpu_seconds_per_gib"),
        relative("× floor", "cpu_seconds", rows, FLOOR), metric("wall s", "wall_seconds"),
        metric("peak MiB", "peak_bytes", 0, MIB), fact("store verified", "verified"), fact("SHA-256 of the whole", "sha256")]
    counts = ", ".join(f"{count} at {size_text(size)}" for size, count in sizes)
    report.show(
        f"transfer: one artifact, {store.name} store; medians of {counts}",
        rows, columns, [
            "floor: three commands one after the other, CPU and wall added up. The worker's figures hold the whole",
            "pipeline: token, validation, job, checkpoints, upload, HEAD, audit record; the others are handed a link."])
    targets(rows, report)


def run_size(transfer, repetitions, options):
    """Everybody in turn, then again, so that whatever changes on the machine changes for all."""
    contenders = [FLOOR, *CONTENDERS]
    available = memory_available()
    if transfer.size * 3 > available:
        contenders.remove("boto3 buffer")
    rows = {}
    try:
        transfer.prepare()
        for contender in contenders:
            rows[contender] = Row(
                "transfer", size_text(transfer.size), contender, transfer.shown(contender),
                {name: [] for name in METRICS},
                {"sha256": WHOLE[contender]})
        for _ in range(repetitions):
            for contender in contenders:
                options.progress(f"transfer {size_text(transfer.size)}: {contender}")
                cost, facts = transfer.run(contender)
                row = rows[contender]
                row.facts["verified"] = facts
                values = (cost.cpu, cost.kernel, cost.cpu * GIB / transfer.size, cost.wall, cost.peak)
                for name, value in zip(METRICS, values):
                    row.samples[name].append(value)
    finally:
        transfer.close()
    return list(rows.values())


def memory_available():
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0


def targets(rows, report):
    largest = rows[-1].case
    case = {row.contender: row.median("cpu_seconds") for row in rows if row.case == largest}
    factor = case[WORKER] / case[FLOOR]
    report.target(
        f"CPU per GiB moved ({largest})", "≤ 1.15 × floor",
        f"{factor:.2f} × ({number(case[WORKER])} s to {number(case[FLOOR])} s)", factor <= 1.15)
