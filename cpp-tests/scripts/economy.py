#!/usr/bin/env python3
"""Counts what warm downloads cost and compares the counts with the recorded ones, so that the library does not become
slower unseen. It measures no time.

    economy.py FIGURES LOCAL-OSS PROGRAM CALLS-SHIM VALGRIND LIBRARY

PROGRAM (programs/economy.c) downloads an object several times in one process. The cost of one download is the
difference between a process with few and one with more of them, divided by the number of these. Instructions and
allocations are those of LIBRARY itself, as callgrind sees them: other versions of libcurl or of the C library do not
change them. System calls are those of all threads, as tests/shim/calls.c sees them.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

MIB = 1024 * 1024
# What is downloaded: the key, its size, and how often in the shorter and in the longer process.
LARGE = ("generated/16MiB", 16 * MIB, 1, 3)
SMALL = ("generated/64KiB", 64 * 1024, 8, 40)
ALLOCATING = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"}
STARTING_A_THREAD = {"clone", "clone3"}
WRITING = {"write", "writev", "pwrite64"}


class Mistake(Exception):
    """Something could not be counted."""


class Server:
    """local-oss on a port of its own."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program, "--bucket", "economy"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        found = re.search(r"listening on (\S+)", self.process.stdout.readline())
        if found is None:
            raise Mistake("local-oss did not start")
        self.endpoint = found.group(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Counting:
    """Runs the program in ways that count."""

    def __init__(self, server, program, shim, valgrind, library):
        self.endpoint = server.endpoint
        self.program = program
        self.shim = shim
        self.valgrind = valgrind
        self.library = Path(library).resolve()

    def run(self, key, downloads, before=(), environment=None):
        """Runs the program, with the scratch directory in place of `{}`; returns its output, and the log if it made one."""
        where = os.environ.get("TEST_MEMORY") or None
        with tempfile.TemporaryDirectory(prefix="oss-resumable-economy-", dir=where) as scratch:
            target = Path(scratch) / "target"
            target.mkdir()
            environment = {k: v.format(scratch) for k, v in (environment or {}).items()}
            done = subprocess.run(
                [*(word.format(scratch) for word in before),
                 self.program, key, str(downloads), self.endpoint, target],
                env={**os.environ, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                check=False, timeout=300,
            )
            if done.returncode != 0:
                raise Mistake(f"{done.args} ended with {done.returncode}: {done.stderr}")
            log = Path(scratch) / "log"
            return done.stdout, log.read_text(errors="replace") if log.exists() else ""

    def statistics(self, key, downloads):
        """The sums of the statistics of some downloads."""
        output, _ = self.run(key, downloads)
        return {name: int(value) for name, value in map(str.split, output.splitlines())}

    def calls(self, key, downloads):
        """System calls by name, by whether they are about a file of the download, and about its checkpoint."""
        _, log = self.run(key, downloads, environment={"LD_PRELOAD": self.shim, "CALLS_LOG": "{}/log"})
        counted = Counter()
        for line in log.splitlines():
            name, path = line.split("\t")[:2]
            counted[name.split()[0], "/target/" in path, path.endswith(".oss-resumable")] += 1
        return counted

    def work(self, key, downloads):
        """Instructions in the library, and its calls to functions that allocate."""
        callgrind = [self.valgrind, "--tool=callgrind", "--compress-strings=no", "--compress-pos=no",
                     "--quiet", "--callgrind-out-file={}/log"]
        _, log = self.run(key, downloads, before=callgrind)
        return read_callgrind(log, self.library)


def read_callgrind(log, library):
    """The instructions that functions of `library` executed, and how often they called one that allocates."""
    counted = Counter()
    inside = skip = False
    callee = ""
    for line in log.splitlines():
        if line.startswith("ob="):
            inside = Path(line[3:]).resolve() == library
        elif line.startswith("cfn="):
            callee = line[4:].split("@")[0]
        elif line.startswith("calls="):
            if inside and callee in ALLOCATING:
                counted["allocations"] += int(line[6:].split()[0])
            # The next line has the cost of what was called.
            skip = True
        elif re.match(r"(0x)?[0-9a-f]+ [0-9]+$", line):
            if inside and not skip:
                counted["instructions"] += int(line.split()[1])
            skip = False
    if not counted["instructions"]:
        raise Mistake(f"callgrind saw nothing of {library}")
    return counted


def one(count, key, few, many):
    """What one download adds to the result of `count`."""
    fewer, more = count(key, few), count(key, many)
    return {name: max(more[name] - fewer[name], 0) / (many - few) for name in {**fewer, **more}}


def of(calls, names=None, disk=None, journal=None):
    """The number of calls with one of these names, on the disk or not, on the journal or not."""
    return sum(
        count for (name, on_disk, on_journal), count in calls.items()
        if (names is None or name in names) and disk in (None, on_disk) and journal in (None, on_journal)
    )


def measured(counting):
    """All figures: {name: value}."""
    figures = {}
    for kind, (key, size, few, many) in (("large", LARGE), ("small", SMALL)):
        units = size / MIB if kind == "large" else 1
        per = "MiB" if kind == "large" else "object"
        statistics = one(counting.statistics, key, few, many)
        calls = one(counting.calls, key, few, many)
        work = one(counting.work, key, few, many)
        figures |= {
            f"{kind}: requests per download": statistics["requests"],
            f"{kind}: bytes received twice or discarded": statistics["discarded"] + statistics["received"] - size,
            f"{kind}: threads started per download": of(calls, STARTING_A_THREAD),
            f"{kind}: system calls per {per}": of(calls) / units,
            f"{kind}: system calls on files per {per}": of(calls, disk=True) / units,
            f"{kind}: writes to the checkpoint per download": of(calls, WRITING, journal=True),
            f"{kind}: instructions per {per}": work["instructions"] / units,
            f"{kind}: allocations per {per}": work["allocations"] / units,
        }
    key, _, few, _ = LARGE
    figures["large: threads of the process"] = 1 + of(counting.calls(key, few), STARTING_A_THREAD)
    return figures


def recorded(path):
    """The recorded figures: {name: (value, what is accepted at most, the tolerance as written)}."""
    figures = {}
    for line in Path(path).read_text().splitlines():
        if line and not line.startswith("#"):
            name, value, tolerance = map(str.strip, line.split("|"))
            before = float(value)
            most = before + (float(tolerance) if tolerance.startswith("+")
                             else before * float(tolerance.removesuffix("%")) / 100)
            figures[name] = before, most, tolerance
    return figures


def main():
    figures, local_oss, *rest = sys.argv[1:]
    if os.uname().machine != "x86_64":
        print("the recorded figures are those of x86_64")
        return 0
    with Server(local_oss) as server:
        now = measured(Counting(server, *rest))
    expected = recorded(figures)
    mistakes = [f"{figures} does not have the right names"] if expected.keys() != now.keys() else []
    for name, value in now.items():
        before, most, tolerance = expected.get(name, (0, 0, "+0"))
        print(f"{name} | {value:.2f} | {tolerance}    (recorded {before:.2f}, at most {most:.2f})")
        if value > most + 0.005:
            mistakes.append(f"{name}: {value:.2f}, at most {most:.2f}")
    for mistake in mistakes:
        print(f"FAILED {mistake}")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
