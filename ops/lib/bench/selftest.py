# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""What can be wrong in the measuring itself: python3 ops/lib/bench/selftest.py"""

import os
import random
import sys
import tempfile
import unittest
from pathlib import Path

import bench
import inflight
from processes import MIB, Failed, measure
from results import Column, Report, Row, metric, parse_size, relative, size_text, table
from signing import sign_v4
from transfer import verified


class Results(unittest.TestCase):
    def rows(self):
        return [
            Row("w", "1GiB", "floor", "c", {"cpu": [3.0, 1.0, 2.0]}), Row("w", "1GiB", "worker", "c", {"cpu": [2.5]}),
            Row("w", "4GiB", "floor", "c", {"cpu": [10.0]}), Row("w", "4GiB", "worker", "c", {})]

    def test_medians_and_ratios_within_a_case(self):
        rows = self.rows()
        column = relative("×", "cpu", rows, "floor")
        self.assertEqual([column.text(row) for row in rows], ["1.00×", "1.25×", "1.00×", "–"])

    def test_table_is_aligned(self):
        columns = [Column("who", lambda row: row.contender, right=False), metric("CPU", "cpu")]
        lines = ["who      CPU", "──────  ────", "floor   2.00", "worker  2.50"]
        self.assertEqual(table(self.rows()[:2], columns), lines)

    def test_json_holds_samples_and_command(self):
        with tempfile.TemporaryDirectory() as folder:
            report = Report({"cores": 2})
            report.rows = self.rows()
            report.target("what", "≤ 1", "2", False)
            path = Path(folder) / "out.json"
            report.write(path, {})
            text = path.read_text()
        for part in ('"samples": {', '"command": "c"', '"met": false', '"cpu": 2.0'):
            self.assertIn(part, text)

    def test_sizes(self):
        for text in ("64MiB", "1GiB", "4KiB", "1025MiB", "17B"):
            self.assertEqual(size_text(parse_size(text.removesuffix("B") if text == "17B" else text)), text)
        self.assertRaises(ValueError, parse_size, "many")


class Processes(unittest.TestCase):
    def run_python(self, text, shell=False):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-c", text]
            if shell:
                command = f"{sys.executable} -c '{text}' | cat"
            return measure(command, dict(os.environ), Path(folder) / "log")

    def test_counts_memory_of_the_program_alone(self):
        ballast = bytearray(200 * MIB)  # this process is large; what it starts is not
        cost = self.run_python("import time; x = bytearray(50 << 20); x[::4096] = x[::4096]; time.sleep(0.2)")
        del ballast
        self.assertGreater(cost.peak, 50 * MIB)
        self.assertLess(cost.peak, 120 * MIB)

    def test_counts_the_whole_pipeline(self):
        text = "import time; e = time.process_time() + 0.3\\nwhile time.process_time() < e: pass\\nprint(7)"
        cost = self.run_python(f'exec("{text}")', shell=True)
        self.assertGreaterEqual(cost.cpu, 0.28)
        self.assertEqual(cost.output, "7\n")

    def test_a_failure_names_the_command(self):
        with self.assertRaisesRegex(Failed, "ended with 3"):
            self.run_python("import sys; sys.exit(3)")


class InFlight(unittest.TestCase):
    def log(self, late, seconds=60.0, jobs=3000):
        source, polls = random.Random(1), []
        for job in range(jobs):
            at = source.uniform(0, 10)
            while at < seconds:
                polls.append({"endpoint": "poll", "path": f"/jobs/{job}", "at": at})
                at += source.uniform(5, 10) + late
        return {"recent": sorted(polls, key=lambda poll: poll["at"])}

    def test_finds_how_late_timers_are(self):
        for late in (0.0, 0.25):
            found = inflight.accuracy(inflight.poll_gaps(self.log(late), 10.0), 10.0)
            self.assertAlmostEqual(found["late_ms"][0], late * 1000, delta=40)
            self.assertLessEqual(found["latest_ms"][0], late * 1000 + 1)
            self.assertEqual(found["early"], [0])

    def test_sees_early_timers(self):
        self.assertGreater(inflight.accuracy(inflight.poll_gaps(self.log(-1.0), 10.0), 10.0)["early"][0], 0)


class Signing(unittest.TestCase):
    def test_agrees_with_what_aws_published(self):
        headers = {
            "host": "examplebucket.s3.amazonaws.com", "range": "bytes=0-9", "x-amz-date": "20130524T000000Z",
            "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
        text = sign_v4(
            "GET", "/test.txt", headers, "us-east-1", "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        self.assertTrue(text.endswith("=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"), text)


class Options(unittest.TestCase):
    def options(self, *arguments):
        sys.argv = ["bench", *arguments]
        return bench.arguments()

    def test_what_is_needed(self):
        self.assertEqual(bench.needs(self.options("--only", "transfer")), ["null"])
        self.assertEqual(bench.needs(self.options("--only", "commands")), ["broker", "seaweedfs"])
        self.assertEqual(bench.needs(self.options("--only", "commands", "--store", "null")), ["broker", "null"])

    def test_sizes_and_repetitions(self):
        options = self.options("--sizes", "1GiB,64MiB", "--repetitions", "2")
        self.assertEqual(options.sizes, [("1GiB", 2), ("64MiB", 2)])


class Verified(unittest.TestCase):
    def test_most_bytes_decide(self):
        before = {"bodyBytes": 100, "verifiedBytes": {"crc32c": 100}}
        after = {"bodyBytes": 100_100, "verifiedBytes": {"crc32c": 100_100, "md5": 20}}
        self.assertEqual(verified(before, after), "CRC32C")
        self.assertEqual(verified(before, {"bodyBytes": 200, "verifiedBytes": {"crc32c": 100}}), "nothing")


if __name__ == "__main__":
    unittest.main()
