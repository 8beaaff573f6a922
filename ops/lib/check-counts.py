# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""Holds what the pipeline takes against limits, by counts that are the same on every machine, however busy it is.

    check-counts.py SIMULATE PRELOAD

SIMULATE is the optimised program behind ops/simulate, PRELOAD the library made of count-allocations.c.

frames        What functions keep while they wait for a job to be done, ten thousand times where ten thousand exports are
              in flight, and on the way to a call. Read from the program itself.
allocations   What the pipeline and its fakes ask the allocator for in the same worlds every time, for each command
              that is decided.
"""

import os
import re
import struct
import subprocess
import sys

# A tenth over what was measured when they were set: for another compiler, not for other code.
MAXIMUM_WAITING_BYTES = 2_300
MAXIMUM_CALLING_BYTES = 2_500
MAXIMUM_ALLOCATIONS = 4_300
WORLDS = 300

# The functions that wait while a job goes on, each within the one before it.
WAITING = {
    "the delivery": r"Pipeline\.handle\(",
    "its steps": r"DeliveryDriver\.run\(\)",
    "the end of the run": r"^ExportPipeline\.ActiveRun\.attend\(",
    "the run": r"^ExportPipeline\.RunDriver\.carryOut\(ExportPipeline\.RunStart\)",
    "a step that is cut short": r"ExportPipeline\.RunResult> of ExportPipeline\.StopControl\.run<",
    "the wait": r"^closure #1 .*in ExportPipeline\.RunDriver\.\(wait in ",
}
# What stands on the way to every call, and is held by all that wait for their turn.
CALLING = {
    "one step": r"^ExportPipeline\.RunDriver\.\(perform in ",
    "its turn": r"^ExportPipeline\.RunDriver\.\(attempt in ",
    "its call": r"^ExportPipeline\.RunDriver\.\(carryOut in ",
}


def frames(program):
    """Names and sizes of the asynchronous functions: an "async function pointer" is two words, the second the size."""
    sections = []
    for line in subprocess.check_output(["readelf", "-SW", program], text=True).splitlines():
        match = re.match(r"\s*\[\s*\d+\]\s+(\S+)\s+\S+\s+([0-9a-f]+)\s+([0-9a-f]+)\s+([0-9a-f]+)", line)
        if match:
            sections.append(tuple(int(match[index], 16) for index in (2, 3, 4)))
    symbols = []
    for line in subprocess.check_output(["nm", program], text=True).splitlines():
        words = line.split()
        if len(words) == 3 and words[2].endswith("Tu"):
            symbols.append((int(words[0], 16), words[2]))
    names = subprocess.run(
        ["swift", "demangle", "--compact"], input="\n".join(name for _, name in symbols), capture_output=True, text=True,
        check=True,
    ).stdout.splitlines()
    with open(program, "rb") as file:
        content = file.read()
    for (address, _), name in zip(symbols, names):
        for start, offset, size in sections:
            if start and start <= address < start + size:
                place = offset + address - start
                yield name.removeprefix("async function pointer to "), struct.unpack_from("<iI", content, place)[1]


def check_chain(found, program, doing, chain, limit):
    total = 0
    for what, pattern in chain.items():
        sizes = [size for name, size in found if re.search(pattern, name) and "partial apply" not in name]
        if not sizes:
            return [f"no function in {program} is {pattern}: has it another name now? It is part of {doing} ({what})."]
        total += max(sizes)
        print(f"  {max(sizes):8,} bytes  {what}")
    print(f"  {total:8,} bytes are kept by {doing}, of at most {limit:,}")
    if total <= limit:
        return []
    return [
        f"{total:,} bytes are kept by {doing}; {limit:,} are allowed. A large value is held across an await, or something "
        "that holds one was inlined into a function that waits."
    ]


def check_frames(program):
    found = list(frames(program))
    return check_chain(found, program, "an export whose job goes on", WAITING, MAXIMUM_WAITING_BYTES) + check_chain(
        found, program, "a call", CALLING, MAXIMUM_CALLING_BYTES)


def check_allocations(program, preload):
    environment = dict(os.environ, LD_PRELOAD=preload, SWIFT_DETERMINISTIC_HASHING="1")
    result = subprocess.run(
        [program, "--seeds", str(WORLDS), "--jobs", "1"], env=environment, capture_output=True, text=True, check=True)
    counted = re.search(r"allocations: (\d+) bytes: (\d+)", result.stderr)
    decisions = re.search(r"decisions\s+(\d+)", result.stdout + result.stderr)
    if not counted or not decisions:
        return [f"{program} did not say what it allocated or decided: {result.stdout}{result.stderr}"]
    each = int(counted[1]) // int(decisions[1])
    print(f"  {each:8,} allocations for each decided command, of at most {MAXIMUM_ALLOCATIONS:,} ({WORLDS} worlds)")
    if each <= MAXIMUM_ALLOCATIONS:
        return []
    return [f"{each:,} allocations for each decided command; {MAXIMUM_ALLOCATIONS:,} are allowed. A profile tells where."]


def main(program, preload):
    problems = check_frames(program) + check_allocations(program, preload)
    for problem in problems:
        print(f"✗ {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
