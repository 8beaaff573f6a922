# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""commands: many exports of 4 KiB artifacts through queue, worker and events.

The store is SeaweedFS by default: how many exports a second come out depends on how long a store takes, and the CPU of
a worker per export on how long its answers are waited for in how many pieces. Only the worker's own process is counted,
from just before the first command to just after the last.
"""

import time

from processes import Running
from results import Column, Row, fact, metric, number, relative
from workers import bucket_for, command_of, contenders

MODEL = "bench-small-size-4KiB"
WARM_UP = 32


def run(here, store, options, report):
    rows = []
    for repetition in range(options.command_repetitions):
        for contender in contenders(here, "commands"):
            options.progress(f"commands: {contender.name}")
            add(rows, run_one(here, store, contender, options.commands, repetition))
    columns = [
        Column("contender", lambda row: row.contender, right=False), fact("checkpoints", "checkpoints"),
        metric("exports/s", "exports_per_second", 0), metric("CPU ms/export", "cpu_ms_per_export"),
        relative("× worker", "cpu_ms_per_export", rows, "nlu-export-worker"),
        metric("peak MiB", "peak_bytes", 0, 1 << 20), metric("tenant calls/export", "tenant_requests"),
        metric("store calls/export", "store_requests")]
    report.show(
        f"commands: {options.commands} exports of 4 KiB, 32 in flight, {store.name} store"
        f"; medians of {options.command_repetitions}", rows, columns,
        ["Both keep an audit record in the bucket and one in a file (fsync), announce with publisher confirms and",
         "acknowledge after that. Store calls are counted by the null store only (--store null)."])
    figures = {row.contender: row.median("cpu_ms_per_export") for row in rows}
    share = figures["nlu-export-worker"] / figures["python worker"]
    report.target(
        "CPU per export of 4 KiB", "≤ 1/10 of a Python worker with the same steps",
        f"1/{1 / share:.1f} ({number(figures['nlu-export-worker'])} ms to {number(figures['python worker'])} ms)",
        share <= 0.1)


def add(rows, row):
    known = next((other for other in rows if other.contender == row.contender), None)
    if known is None:
        rows.append(row)
        return
    for name, values in row.samples.items():
        known.samples[name] += values


def run_one(here, store, contender, count, repetition):
    store.clear()
    broker = here.broker
    bucket = bucket_for(store, contender, f"commands-{repetition}")
    broker.purge()
    here.tenant.reset()
    prefix = f"c{repetition}-{contender.label}"
    command = contender.command(here, store, bucket)
    with Running(command, here.environment(store), here.folder / f"commands-{contender.label}.log") as worker:
        worker.until(lambda: broker.consumers() > 0, 60, "the worker consumes")
        broker.publish(command_of(f"{prefix}-warm", number, MODEL) for number in range(WARM_UP))
        worker.until(lambda: broker.events_ready() >= WARM_UP, 120, "the first exports")
        time.sleep(0.3)  # their acknowledgements
        before = (store.ledger(), requests(here.tenant.log()))
        begun, cpu = time.monotonic(), worker.cpu
        broker.publish(command_of(prefix, number, MODEL) for number in range(count))
        worker.until(lambda: broker.events_ready() >= WARM_UP + count, 600, f"{count} exports")
        wall, cpu = time.monotonic() - begun, worker.cpu - cpu
        after = (store.ledger(), requests(here.tenant.log()))
        peak = worker.memory()
    contender.check(broker.take_events(), WARM_UP + count)
    samples = {
        "exports_per_second": [count / wall], "cpu_ms_per_export": [cpu * 1000 / count], "peak_bytes": [peak],
        "tenant_requests": [(after[1] - before[1]) / count]}
    if before[0] is not None:
        calls = [sum(ledger["requests"].values()) for ledger in (before[0], after[0])]
        samples["store_requests"] = [(calls[1] - calls[0]) / count]
    return Row(
        "commands", "4KiB", contender.name, " ".join(command), samples, {"checkpoints": contender.checkpoints})


def requests(log):
    return sum(count for name, count in log["requests"].items() if name != "admin")
