# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""Runs commands and says what they cost: CPU of the whole tree, wall time, peak memory."""

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20


class Failed(Exception):
    """A measured command did not do what it should; says which and why."""


@dataclass
class Cost:
    """What a command took. CPU is user and system time of the process and of all that it waited for."""

    cpu: float
    wall: float
    peak: int  # bytes: the processes' own high-water marks, added up
    kernel: float  # how much of the CPU was the kernel's
    output: str = ""

    def plus(self, other):
        """Two commands one after the other."""
        return Cost(
            self.cpu + other.cpu, self.wall + other.wall, max(self.peak, other.peak), self.kernel + other.kernel,
            other.output)


def status_field(pid, name):
    """A field of /proc/PID/status in bytes; None once the process is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return None


def tree(pid):
    """A process and everything below it."""
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                found += [int(child) for child in Path(f"/proc/{parent}/task/{task}/children").read_text().split()]
        except OSError:
            pass
    return found


def cpu_seconds(pid):
    """User and system time of one process so far, of children that ended too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / TICKS


class PeakWatch:
    """Looks at the memory of a tree of processes while it runs.

    The last high-water mark seen of each process counts, not the highest: before a child becomes the program it is to
    run, it shows the memory of its parent.
    """

    def __init__(self, pid, every=0.02):
        self.marks = {}
        self._pid, self._every = pid, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self):
        while not self._over.wait(self._every):
            for pid in tree(self._pid):
                mark = status_field(pid, "VmHWM")
                if mark is not None:
                    self.marks[pid] = mark

    def end(self):
        self._over.set()
        self._thread.join()
        return sum(self.marks.values())


def measure(command, env, log, timeout=900):
    """Runs a command (a list, or text for bash) to its end and returns its cost; its standard output comes along."""
    arguments = ["bash", "-c", "set -euo pipefail; " + command] if isinstance(command, str) else command
    out = Path(str(log) + ".out")
    with open(log, "ab") as errors, open(out, "wb") as output:
        begun = time.monotonic()
        process = subprocess.Popen(
            arguments, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True)
        watch = PeakWatch(process.pid)
        killer = threading.Timer(timeout, lambda: os.killpg(process.pid, signal.SIGKILL))
        killer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            wall = time.monotonic() - begun
            killer.cancel()
            peak = watch.end()
        process.returncode = os.waitstatus_to_exitcode(status)
    text = out.read_text(errors="replace")
    if process.returncode != 0:
        tail = Path(log).read_text(errors="replace")[-1500:]
        raise Failed(f"ended with {process.returncode}: {describe(command)}\n{tail}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, peak, usage.ru_stime, text)


def describe(command):
    """A command as one would type it."""
    return command if isinstance(command, str) else subprocess.list2cmdline(command)


@dataclass
class Running:
    """A process that goes on: a worker."""

    command: list
    env: dict
    log: Path
    process: subprocess.Popen = field(default=None)
    begun: float = 0.0

    def __enter__(self):
        self.begun = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.terminate() if kind is None else self.process.kill()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    @property
    def cpu(self):
        return cpu_seconds(self.process.pid)

    def memory(self, name="VmHWM"):
        return status_field(self.process.pid, name) or 0

    def check(self):
        """Raises when the process has ended by itself."""
        if self.process.poll() is not None:
            tail = Path(self.log).read_text(errors="replace")[-2000:]
            raise Failed(f"ended with {self.process.returncode}: {describe(self.command)}\n{tail}")

    def until(self, condition, limit, what, every=0.05):
        """Waits until the condition holds; returns the seconds that took."""
        begun = time.monotonic()
        while not condition():
            self.check()
            if time.monotonic() - begun > limit:
                raise Failed(f"{what}: not within {limit} s, see {self.log}")
            time.sleep(every)
        return time.monotonic() - begun
