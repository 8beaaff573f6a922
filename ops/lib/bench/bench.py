# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""The measuring part of ops/bench, which starts what this needs and says so in the environment."""

import argparse
import json
import os
import platform
import shlex
import signal
import sys
import time
from pathlib import Path

WORKLOADS = ("transfer", "parallel", "commands", "inflight", "start")
STORES = ("null", "seaweedfs")


def arguments():
    parser = argparse.ArgumentParser(prog="ops/bench", add_help=False, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default=",".join(WORKLOADS))
    parser.add_argument("--store", choices=STORES)
    parser.add_argument("--sizes")
    parser.add_argument("--repetitions", type=int)
    parser.add_argument("--commands", type=int)
    parser.add_argument("--inflight")
    parser.add_argument("--json")
    parser.add_argument("--under", default="")
    parser.add_argument("--needs", action="store_true")
    options = parser.parse_args()
    options.only = [name for name in options.only.split(",") if name]
    unknown = set(options.only) - set(WORKLOADS)
    if unknown or not options.only:
        parser.error(f"--only takes some of {','.join(WORKLOADS)}")
    if (options.repetitions or 1) < 1 or (options.commands or 1) < 1:
        parser.error("--repetitions and --commands take numbers from 1")
    try:
        fill(options)
    except ValueError:
        parser.error("--sizes takes sizes such as 64MiB,1GiB, and --inflight numbers such as 1000,10000")
    return options


def fill(options):
    """How much is done: little with --quick, else enough for medians."""
    quick = options.quick
    default = [("64MiB", 3), ("256MiB", 2)] if quick else [("64MiB", 7), ("1GiB", 5), ("4GiB", 3)]
    if options.sizes:
        from results import parse_size

        default = [(size, 3) for size in options.sizes.split(",") if parse_size(size)]
    options.sizes = [(size, options.repetitions or count) for size, count in default]
    options.parallel_sizes = ["32MiB", "256MiB"] if quick else ["100MiB", "4GiB"]
    options.commands = options.commands or (300 if quick else 3000)
    options.command_repetitions = 1 if quick else options.repetitions or 3
    options.inflight = [int(count) for count in (options.inflight or ("1000" if quick else "10,10000")).split(",")]
    options.inflight_hold = 20 if quick else 60
    options.starts = 3 if quick else 7
    options.idle = 10 if quick else 60
    options.progress = progress


def store_for(workload, options):
    return options.store or ("seaweedfs" if workload == "commands" else "null")


def needs(options):
    """What ops/bench has to start for these workloads."""
    wanted = {store_for(workload, options) for workload in options.only}
    if set(options.only) - {"transfer"}:
        wanted.add("broker")
    return sorted(wanted)


def progress(text):
    """One line that is written over, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K  {text}\r", end="", file=sys.stderr, flush=True)


def machine():
    """What a figure was measured on."""
    model = ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": model, "cores": os.cpu_count(), "memory_gib": round(pages / (1 << 30), 1),
        "system": f"{platform.freedesktop_os_release().get('PRETTY_NAME', '')}, Linux {platform.release()}",
        "load_before": os.getloadavg()[0], "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "versions": {"python": platform.python_version(), **json.loads(os.environ.get("BENCH_VERSIONS", "{}"))}}


def main():
    options = arguments()
    if options.needs:
        print(" ".join(needs(options)))
        return 0
    import commands
    import inflight
    import parallel
    import start
    import transfer
    from processes import Failed
    from results import Report
    from surroundings import Surroundings

    # What was started is ended: an exception passes everything that waits.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    modules = {"transfer": transfer, "parallel": parallel, "commands": commands, "inflight": inflight, "start": start}
    here = Surroundings.here()
    here.under = shlex.split(options.under)
    facts = machine()
    report = Report(facts)
    print(f"\n  {facts['cores']} × {facts['processor']}, {facts['memory_gib']} GiB, {facts['system']}")
    if facts["load_before"] > 0.7:
        print(f"  The machine is busy (load {facts['load_before']:.1f}): expect figures that are too high.")
    failures = []
    for workload in [name for name in WORKLOADS if name in options.only]:
        try:
            modules[workload].run(here, here.stores[store_for(workload, options)], options, report)
        except (Failed, OSError) as error:
            failures.append(workload)
            print(f"\n{workload} could not be measured: {error}\n", file=sys.stderr)
        finally:
            progress("")
    here.broker.close()
    if here.under:
        report.targets = []  # what was measured is the profiler
    report.show_targets()
    if options.json:
        shown = {name: value for name, value in vars(options).items() if name not in ("progress", "needs", "json")}
        report.write(Path(options.json), shown)
        print(f"  written to {options.json}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
