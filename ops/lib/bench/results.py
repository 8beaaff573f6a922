# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""What was measured, as tables for people and as JSON for programs."""

import json
import statistics
from dataclasses import dataclass, field

MIB = 1 << 20
GIB = 1 << 30


@dataclass
class Row:
    """One contender in one case. Samples are lists of equal length, one entry for each repetition."""

    workload: str
    case: str
    contender: str
    command: str
    samples: dict
    facts: dict = field(default_factory=dict)

    def median(self, name):
        values = self.samples.get(name)
        return statistics.median(values) if values else None

    def json(self):
        return {
            "workload": self.workload, "case": self.case, "contender": self.contender, "command": self.command,
            "median": {name: self.median(name) for name in self.samples}, "samples": self.samples, **self.facts}


@dataclass
class Target:
    """A figure that design and measurement must agree upon."""

    what: str
    target: str
    figure: str
    met: bool


@dataclass
class Column:
    """A column of a table: its head, and how a row fills it."""

    head: str
    text: object  # Row -> str
    right: bool = True


def number(value, digits=2):
    """A figure with as many digits as it deserves; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:,.{digits}f}"


def ratio(value, reference):
    return "–" if value is None or not reference else f"{value / reference:.2f}×"


def metric(head, name, digits=2, scale=1.0):
    """A column with the median of a metric."""

    def text(row):
        value = row.median(name)
        return number(None if value is None else value / scale, digits)

    return Column(head, text)


def relative(head, name, rows, reference):
    """A column with a metric as a multiple of what the reference contender of the same case has."""

    def text(row):
        base = next((r for r in rows if r.case == row.case and r.contender == reference), None)
        return ratio(row.median(name), base and base.median(name))

    return Column(head, text)


def fact(head, name):
    return Column(head, lambda row: str(row.facts.get(name, "")), right=False)


def table(rows, columns):
    """Lines of a table, the columns as wide as they must be."""
    cells = [[column.head for column in columns]] + [[column.text(row) for column in columns] for row in rows]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    lines = []
    for line in cells:
        padded = [
            cell.rjust(width) if column.right else cell.ljust(width)
            for cell, width, column in zip(line, widths, columns)]
        lines.append("  ".join(padded).rstrip())
    lines.insert(1, "  ".join("─" * width for width in widths))
    return lines


class Report:
    """Collects rows and targets, prints each workload's table as it is done, and writes everything as JSON."""

    def __init__(self, machine):
        self.machine, self.rows, self.targets, self.notes = machine, [], [], []

    def show(self, title, rows, columns, remarks=()):
        """Adds rows, and prints them with the commands they stand for."""
        self.rows += rows
        print(f"\n{title}\n")
        case = None
        for line_rows in _by_case(rows):
            if line_rows[0].case != case and len({row.case for row in rows}) > 1:
                print(f"    {line_rows[0].case}")
            for line in table(line_rows, columns):
                print("    " + line)
            print()
        for remark in remarks:
            print(f"    {remark}")
            self.notes.append(remark)
        print("    Commands:")
        for contender, command in dict((row.contender, row.command) for row in rows).items():
            print(f"      {contender}: {command}")
        print(flush=True)

    def target(self, what, target, figure, met):
        self.targets.append(Target(what, target, figure, met))

    def show_targets(self):
        if not self.targets:
            return
        print("\nTargets\n")
        columns = [
            Column("what", lambda t: t.what, right=False), Column("target", lambda t: t.target, right=False),
            Column("measured", lambda t: t.figure, right=False),
            Column("", lambda t: "✓" if t.met else "✗", right=False)]
        for line in table(self.targets, columns):
            print("    " + line)
        print()

    def write(self, path, options):
        document = {
            "machine": self.machine, "options": options, "rows": [row.json() for row in self.rows],
            "targets": [vars(target) for target in self.targets], "notes": self.notes}
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=1, ensure_ascii=False)
            file.write("\n")


def _by_case(rows):
    cases = {}
    for row in rows:
        cases.setdefault(row.case, []).append(row)
    return list(cases.values())


def size_text(size):
    """64MiB, 1GiB: as the simulator and people write it."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (1 << 10, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit}{name}"
    return f"{size}B"


def parse_size(text):
    for name, unit in (("GiB", GIB), ("MiB", MIB), ("KiB", 1 << 10)):
        if text.endswith(name):
            return int(text[: -len(name)]) * unit
    return int(text)
