#!/usr/bin/env python3
"""Tests of the benchmark itself, for scripts/test.sh: it runs, and its page is up to date.

Needs the library and local-oss in build/. Prints a line for each test, then "bench: N passed, N failed".
"""

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import report
import results
from cases import CASES
from comparing import OURS, Comparison, figure, ratio
from measuring import Bench, Command, MeasuringError

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import named_tests  # noqa: E402

MEMORY = os.environ.get("TEST_MEMORY", "/dev/shm")
# The only row in which peers may fail.
MAY_FAIL = "resets"


@cache
def quick_run():
    """The results of `make bench ARGS=--quick`."""
    subprocess.run([ROOT / "scripts/bench_tools.sh"], check=True)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "results.json"
        argv = [ROOT / "benches/run.py", "--quick", "--memory", MEMORY, "--json", file]
        done = subprocess.run(argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        assert done.returncode == 0, done.stdout[-3000:]
        return json.loads(file.read_text())


def lacking(rows):
    """The rows that the cases announce and that are not there, not even with a reason."""
    there = {row["id"] for row in rows}
    return [row for case in CASES.values() if case.name not in there
            for row in case.rows if row not in there]


def every_case_runs_and_gives_its_rows():
    rows = quick_run()["rows"]
    # Few processors make other numbers of connections.
    absent = [row for row in lacking(rows) if not row.startswith("many-cores")]
    assert not absent, absent
    assert any(row["id"].startswith("many-cores") for row in rows)


def every_row_compares_the_library_with_something():
    for row in (row for row in quick_run()["rows"] if not row["skipped"]):
        assert row["comparisons"], row["id"]
        for compared in report.comparisons(row):
            ours = compared.figures[compared.by]
            assert ours.low <= ours.value <= ours.high, (row["id"], compared)
        assert any(c.limit is not None for c in report.comparisons(row)), row["id"]


def curl_and_aria2c_do_the_work_in_every_row():
    for row in quick_run()["rows"]:
        failed = {name: why for name, why in row["left_out"].items() if why.startswith("failed")}
        assert row["id"] == MAY_FAIL or not failed, (row["id"], failed)


def a_small_object_takes_one_request_and_many_downloads_few_threads():
    rows = {row["id"]: row for row in quick_run()["rows"]}
    for name in ("requests-small", "queue"):
        missed = [c for c in report.comparisons(rows[name]) if c.missed]
        assert not missed, missed


def the_published_results_have_every_row_or_the_reason():
    absent = lacking(results.read(report.RESULTS)["rows"])
    assert not absent, absent


def the_published_page_and_chart_are_made_from_the_published_results():
    stale = [path.name for path, text in report.files().items() if path.read_text() != text]
    assert not stale, f"run benches/report.py: {stale}"


def every_published_row_that_falls_short_has_a_note():
    lacking, left_over = report.wrong_notes()
    assert not lacking and not left_over, f"lacking: {lacking}, without a row: {left_over}"


def a_ratio_is_that_of_the_medians_and_its_spread_that_of_the_rounds():
    found = ratio([2.0, 5.0, 9.0], [2.0, 4.0, 3.0])
    assert (found.value, found.low, found.high) == (round(5 / 3, 4), 1.0, 3.0), found


def a_figure_above_its_limit_is_missed():
    for value, missed in ((1.0, False), (1.05, False), (1.06, True)):
        assert Comparison("wall", "", "×", 1.05, {OURS: figure([value])}).missed == missed


def with_bench(commands):
    """Measures shell commands that make the file $0, which has to have the content "right"."""
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        original = scratch / "original"
        original.write_text("right")
        bench = Bench(ROOT / "build/bench/measure", scratch, scratch / "output")
        file = bench.output / "file"
        made = [Command(name, ("sh", "-c", line, file), file, is_peer=is_peer)
                for name, line, is_peer in commands]
        return bench.interleave(made, original, 2)


RIGHT = ("library", "printf right >$0; echo requests 7", False)


def a_peer_that_fails_or_writes_a_wrong_file_is_reported_and_not_measured():
    costs = with_bench([RIGHT, ("broken", "echo no luck; exit 3", True),
                        ("wrong", "printf wrong >$0", True)])
    assert costs.failures == {"broken": "failed with status 3: no luck",
                              "wrong": "wrote a wrong file"}, costs.failures
    assert list(costs.runs) == ["library"] and len(costs.runs["library"]) == 2
    assert costs.runs["library"][0].printed == {"requests": 7}


def a_wrong_file_of_the_library_ends_the_benchmark():
    try:
        with_bench([("library", "printf wrong >$0", False)])
    except MeasuringError as error:
        assert str(error) == "library wrote a wrong file", error
    else:
        raise AssertionError("it was not noticed")


TESTS = [
    every_case_runs_and_gives_its_rows,
    every_row_compares_the_library_with_something,
    curl_and_aria2c_do_the_work_in_every_row,
    a_small_object_takes_one_request_and_many_downloads_few_threads,
    the_published_results_have_every_row_or_the_reason,
    the_published_page_and_chart_are_made_from_the_published_results,
    every_published_row_that_falls_short_has_a_note,
    a_ratio_is_that_of_the_medians_and_its_spread_that_of_the_rounds,
    a_figure_above_its_limit_is_missed,
    a_peer_that_fails_or_writes_a_wrong_file_is_reported_and_not_measured,
    a_wrong_file_of_the_library_ends_the_benchmark,
]


if __name__ == "__main__":
    sys.exit(named_tests.run("bench", TESTS))
