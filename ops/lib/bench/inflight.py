# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""inflight: thousands of commands held in flight by one worker, their jobs running until they are told to end.

The delay before each poll is drawn evenly from half the interval to the whole of it, so the tenant's log tells how
accurate the worker's timers are: no gap between two polls of a job may be shorter than half the interval, and on
average they are three quarters of it and what the timers are late (and what a request takes).
"""

import statistics
import time

from processes import MIB, Running
from results import Column, Row, metric, number
from workers import Contender, bucket_for, command_of, ours

MODEL = "bench-held-size-4KiB"
POLL = 10.0


def run(here, store, options, report):
    rows = []
    for count in options.inflight:
        options.progress(f"in flight: {count}")
        rows.append(run_one(here, store, count, options.inflight_hold))
    columns = [
        Column("in flight", lambda row: row.case, right=True), metric("peak MiB", "peak_bytes", 0, MIB),
        metric("of it held MiB", "held_bytes", 0, MIB), metric("KiB/export", "bytes_per_export", 1, 1 << 10),
        metric("polls/s", "polls_per_second", 0), metric("CPU % while polling", "cpu_percent", 1),
        metric("CPU ms/poll", "cpu_ms_per_poll", 3), metric("timers late ms", "late_ms", 1),
        metric("latest ms", "latest_ms", 0), metric("then all done s", "finish_seconds", 1)]
    for row in rows:
        row.facts["interval_seconds"] = POLL
    report.show(
        f"in flight: jobs stay RUNNING, polled every {POLL / 2:.0f} to {POLL:.0f} s, {store.name} store", rows, columns,
        ["late: how much longer than drawn the gaps between polls are on average; latest: the longest gap beyond"
         f" {POLL:.0f} s.", "The Python worker takes a thread for each export in flight: not tried."])
    for row in rows:
        if row.case == "10,000":
            peak = row.median("peak_bytes")
            report.target("10,000 exports in flight", "≤ 200 MiB", f"{number(peak / MIB, 0)} MiB", peak <= 200 * MIB)


def run_one(here, store, count, hold):
    store.clear()
    broker, tenant = here.broker, here.tenant
    contender = Contender("nlu-export-worker", f"held-{count}", "yes", ours)
    bucket = bucket_for(store, contender, "inflight")
    broker.purge()
    tenant.reset()
    tenant.add_rule({"match": {"model": MODEL}, "behaviour": {"poll": {"stuck": "RUNNING"}}})
    interval = f"{int(POLL * 1000)}ms"
    command = contender.command(
        here, store, bucket, prefetch=count, job_pollInitial=interval, job_pollMax=interval)
    with Running(command, here.environment(store), here.folder / "inflight.log") as worker:
        worker.until(lambda: broker.consumers() > 0, 60, "the worker consumes")
        empty = worker.memory("VmRSS")
        broker.publish(command_of(f"held{count}", number, MODEL) for number in range(count))
        worker.until(lambda: calls(tenant, "trigger") >= count, 300, f"{count} jobs", every=2)
        time.sleep(POLL)  # until each has been polled in its turn
        polls, cpu, begun = calls(tenant, "poll"), worker.cpu, time.monotonic()
        time.sleep(hold)
        polls, cpu, wall = calls(tenant, "poll") - polls, worker.cpu - cpu, time.monotonic() - begun
        held = worker.memory("VmRSS")
        gaps = poll_gaps(tenant.log())
        begun = time.monotonic()
        tenant.add_rule({"match": {"model": MODEL}, "behaviour": {"poll": {"jobs": 0}}})
        worker.until(lambda: broker.events_ready() >= count, 600, f"{count} exports")
        finish, peak = time.monotonic() - begun, worker.memory()
    contender.check(broker.take_events(), count)
    samples = {
        "peak_bytes": [peak], "held_bytes": [held], "bytes_per_export": [(held - empty) / count],
        "polls_per_second": [polls / wall], "cpu_percent": [cpu / wall * 100],
        "cpu_ms_per_poll": [cpu * 1000 / max(polls, 1)], "finish_seconds": [finish], **accuracy(gaps)}
    return Row("inflight", f"{count:,}", contender.name, " ".join(command), samples)


def calls(tenant, endpoint):
    return tenant.log()["requests"].get(endpoint, 0)


def poll_gaps(log, interval=POLL):
    """Seconds between two polls of the same job, as the tenant saw them.

    Only gaps that would have ended before the log does, however long: else those that were drawn short would be
    more often among them.
    """
    polls = [request for request in log["recent"] if request["endpoint"] == "poll"]
    if not polls:
        return []
    latest_begin = polls[-1]["at"] - interval * 1.2
    last, gaps = {}, []
    for request in polls:
        begun = last.get(request["path"])
        if begun is not None and begun <= latest_begin:
            gaps.append(request["at"] - begun)
        last[request["path"]] = request["at"]
    return gaps


def accuracy(gaps, interval=POLL):
    """How late timers are, from gaps that were drawn evenly from half the interval to the whole of it."""
    if len(gaps) < 100:
        return {}
    early = sum(gap < interval / 2 - 0.002 for gap in gaps)
    return {
        "late_ms": [(statistics.mean(gaps) - interval * 0.75) * 1000],
        "latest_ms": [(max(gaps) - interval) * 1000], "early": [early], "gaps": [len(gaps)]}
