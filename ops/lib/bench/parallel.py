# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""parallel: four artifacts at once through queue, worker and events; what that takes in memory, small and large."""

import time

from processes import MIB, Running
from results import GIB, Column, Row, metric, number, parse_size, size_text
from workers import bucket_for, command_of, contenders

AT_ONCE = 4


def run(here, store, options, report):
    rows = []
    for size_name in options.parallel_sizes:
        size = parse_size(size_name)
        for contender in contenders(here, "parallel"):
            if contender.checkpoints != "yes":
                continue
            options.progress(f"parallel {size_name}: {contender.name}")
            rows.append(run_one(here, store, contender, size))
    columns = [
        Column("contender", lambda row: row.contender, right=False), metric("peak MiB", "peak_bytes", 0, MIB),
        metric("CPU s", "cpu_seconds"), metric("CPU s/GiB", "cpu_seconds_per_gib"), metric("wall s", "wall_seconds")]
    report.show(
        f"parallel: {AT_ONCE} artifacts at once through queue, worker and events, {store.name} store", rows, columns)
    peaks = {row.case: row.median("peak_bytes") for row in rows if row.contender == "nlu-export-worker"}
    report.target(
        f"peak memory, {AT_ONCE} at once", "≤ 128 MiB, the same for small and large",
        ", ".join(f"{number(peak / MIB, 0)} MiB at {case}" for case, peak in peaks.items()),
        all(peak <= 128 * MIB for peak in peaks.values()))


def run_one(here, store, contender, size):
    store.clear()
    bucket = bucket_for(store, contender, f"parallel-{size_text(size).lower()}")
    broker = here.broker
    broker.purge()
    command = contender.command(here, store, bucket, prefetch=AT_ONCE)
    with Running(command, here.environment(store), here.folder / f"parallel-{contender.label}.log") as worker:
        worker.until(lambda: broker.consumers() > 0, 60, "the worker consumes")
        begun, cpu = time.monotonic(), worker.cpu
        broker.publish(
            command_of("parallel", number, f"bench-size-{size_text(size)}", f"1.{number}.0")
            for number in range(AT_ONCE))
        worker.until(lambda: broker.events_ready() >= AT_ONCE, 900, f"{AT_ONCE} events")
        wall, cpu, peak = time.monotonic() - begun, worker.cpu - cpu, worker.memory()
    contender.check(broker.take_events(), AT_ONCE)
    total = AT_ONCE * size / GIB
    return Row(
        "parallel", size_text(size), contender.name, " ".join(command),
        {"peak_bytes": [peak], "cpu_seconds": [cpu], "cpu_seconds_per_gib": [cpu / total], "wall_seconds": [wall]})
