# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""start: from exec to the first delivery, what an idle worker costs, and how large the program is."""

import shutil
import subprocess
import time
from pathlib import Path

from processes import MIB, Running, measure
from results import Column, Row, metric, number
from workers import bucket_for, command_of, contenders

MODEL = "bench-small-size-4KiB"


def run(here, store, options, report):
    rows = []
    for contender in contenders(here, "start"):
        if contender.checkpoints == "yes":
            options.progress(f"start: {contender.name}")
            rows.append(run_one(here, store, contender, options))
    sizes = program_sizes(here)
    columns = [
        Column("contender", lambda row: row.contender, right=False),
        metric("exec to first delivery ms", "start_ms", 0), metric("idle MiB", "idle_bytes", 1, MIB),
        metric("of it anonymous", "idle_anonymous_bytes", 1, MIB), metric("peak MiB", "peak_bytes", 1, MIB),
        metric("idle CPU %", "idle_percent", 3),
        metric("program MiB", "program_bytes", 1, MIB)]
    rows[0].samples.update({name: [value] for name, value in sizes.items()})
    report.show(
        f"start and idle: {options.starts} starts, then idle for {options.idle} s, {store.name} store", rows, columns,
        [f"the worker's program, stripped: {number(sizes['program_bytes'] / MIB, 1)} MiB, and the shared libraries that"
         f" it loads: {number(sizes['library_bytes'] / MIB, 1)} MiB",
         f"(strip --strip-all; ldd {here.programs['worker']})"])
    ours = rows[0]
    percent, memory = ours.median("idle_percent"), ours.median("idle_bytes")
    report.target("idle CPU", "< 0.2 % of a core", f"{percent:.3f} %", percent < 0.2)
    report.target("idle memory", "≤ 25 MiB", f"{number(memory / MIB, 1)} MiB", memory <= 25 * MIB)


def run_one(here, store, contender, options):
    store.clear()
    broker = here.broker
    bucket = bucket_for(store, contender, "start")
    broker.purge()
    command = contender.command(here, store, bucket)
    samples = {"start_ms": []}
    for number_ in range(options.starts):
        broker.publish([command_of(f"start-{contender.label}", number_, MODEL)])
        log = here.folder / f"start-{contender.label}-{number_}.log"
        with Running(command, here.environment(store), log) as worker:
            samples["start_ms"].append(first_delivery(worker, log) * 1000)
            worker.until(lambda: broker.events_ready() > number_, 60, "the export")
    contender.check(broker.take_events(), options.starts)
    with Running(command, here.environment(store), here.folder / f"idle-{contender.label}.log") as worker:
        worker.until(lambda: broker.consumers() > 0, 60, "the worker consumes")
        time.sleep(5)
        cpu, begun = worker.cpu, time.monotonic()
        time.sleep(options.idle)
        cpu, wall = worker.cpu - cpu, time.monotonic() - begun
        samples |= {
            "idle_percent": [cpu / wall * 100], "idle_bytes": [worker.memory("VmRSS")],
            "idle_anonymous_bytes": [worker.memory("RssAnon")], "peak_bytes": [worker.memory()]}
    return Row("start", "", contender.name, " ".join(command), samples)


def first_delivery(worker, log, limit=60):
    """Seconds until the log says that a command was received."""
    while time.monotonic() - worker.begun < limit:
        if b"command received" in Path(log).read_bytes():
            return time.monotonic() - worker.begun
        worker.check()
        time.sleep(0.001)
    worker.process.kill()
    raise TimeoutError(f"no command was received within {limit} s, see {log}")


def program_sizes(here):
    """The stripped program, and the libraries that it needs beside the C library's own."""
    program = Path(here.programs["worker"])
    stripped = here.folder / "stripped"
    shutil.copy(program, stripped)
    measure(["strip", "--strip-all", str(stripped)], None, here.folder / "strip.log")
    listing = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout
    libraries = {Path(line.split()[2]).resolve() for line in listing.splitlines() if " => /" in line}
    size = stripped.stat().st_size
    stripped.unlink()
    return {"program_bytes": size, "library_bytes": sum(library.stat().st_size for library in libraries)}
