#!/usr/bin/env python3
"""Measures the library side by side with other ways to download, in interleaved rounds.

What is compared are ratios of medians and counts. Seconds depend on the machine and on what else it
does. Run it through `make bench`, which builds everything first.
"""

import argparse
import datetime
import os
import re
import signal
import sys
import tempfile
from pathlib import Path

import machine
import report
import results
from cases import CASES
from comparing import Row, against_baseline
from measuring import MeasuringError
from printing import print_row
from servers import ServerError
from setup import Setup

ROOT = Path(__file__).resolve().parent.parent
UNITS = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def parse_size(text):
    found = re.fullmatch(r"(\d+)(|KiB|MiB|GiB)", text)
    if not found or int(found[1]) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no size such as 4GiB")
    return int(found[1]) * UNITS[found[2]]


def parse_count(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1")
    return int(text)


def parse_counts(text):
    return [parse_count(part) for part in text.split(",")]


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="cases:\n" + "".join(f"  {c.name:<14} {c.summary}\n" for c in CASES.values()),
    )
    add = parser.add_argument
    add("--case", choices=CASES, action="append",
        help="measure this one only; may be repeated. Default: all that are for this machine")
    add("--rounds", type=parse_count, help="measured rounds; default: as the case says")
    add("--size", type=parse_size, help="size of the object, such as 4GiB; default: as the case says")
    add("--connections", type=parse_counts, help="numbers of connections for many-cores: 8,16,32")
    add("--workers", type=parse_count, help="nginx's worker processes for many-cores")
    add("--quick", action="store_true", help="small objects and one round: only to see that it works")
    add("--json", type=Path, metavar="FILE", help="write the results to this file too; rows that it "
        "has already and that are not measured now are kept")
    add("--publish", action="store_true", help="write docs/benchmarks.json, .md and .svg")
    add("--memory", type=Path, default=Path("/dev/shm"), metavar="DIR",
        help="for files in memory; default: /dev/shm")
    add("--disk", type=Path, metavar="DIR", help="for files on a disk; default: the build directory")
    add("--build", type=Path, default=ROOT / "build",
        help="the build directory, as scripts/bench.sh leaves it")
    add("--baseline", type=Path,
        help="another such build directory, of an earlier version, to compare with")
    options = parser.parse_args(argv)
    options.build = options.build.resolve()
    options.disk = options.disk or options.build / "bench"
    options.baseline = options.baseline and options.baseline.resolve()
    sdk = os.environ.get("ALIBABACLOUD_OSS_ROOT")
    options.sdk = Path(sdk).resolve() if sdk else None
    if options.publish and (options.quick or options.json):
        parser.error("--publish excludes --quick and --json")
    if options.publish:
        options.json = report.RESULTS
    return options


def measure(setup, case):
    """The rows of one case as JSON; prints them."""
    asked = setup.options.case or setup.quick
    reason = None if asked else case.unless()
    rows = [Row(case.name, case.summary, skipped=reason)] if reason else case.run(setup)
    for row in rows:
        row.comparisons += against_baseline(row.costs)
        print_row(row)
    return [row.as_json() for row in rows]


def measure_all(options, memory, disk):
    """Measures what was asked for, and writes the results if that was asked for too."""
    setup = Setup(options, memory, disk)
    here = machine.describe(setup)
    when = {"date": datetime.date.today().isoformat(), "commit": machine.commit()}
    for name, value in here.items():
        print(f"{name}: {value}")
    print(f"load before the start: {os.getloadavg()[0]:.1f}")
    kept = results.to_keep(options.json, here) if options.json and options.case else []
    rows = [row | when for name in options.case or CASES for row in measure(setup, CASES[name])]
    if options.json:
        results.write(options.json, here, kept, rows)


def terminated(*_):
    """Ends the program in the usual way: otherwise gigabytes would stay in memory, and servers run on."""
    # A second signal would end the clean-up.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit("bench: terminated")


def main(argv):
    options = parse_arguments(argv)
    # Also into a file, so that a row can be read as soon as it is measured.
    sys.stdout.reconfigure(line_buffering=True)
    signal.signal(signal.SIGTERM, terminated)
    scratch = {"prefix": "oss-resumable-bench-"}
    with (tempfile.TemporaryDirectory(dir=options.memory, **scratch) as memory,
          tempfile.TemporaryDirectory(dir=options.disk, **scratch) as disk):
        try:
            measure_all(options, Path(memory), Path(disk))
        except (MeasuringError, ServerError, results.ResultsError) as error:
            sys.exit(f"bench: {error}")
    if options.publish:
        report.main()


if __name__ == "__main__":
    main(sys.argv[1:])
