#!/usr/bin/env python3
"""Checks docs/reliability.md against the test run whose logs are in build/logs.

Every test that the page names must have passed in that run, every figure must be the one that its test recorded, and
every recorded figure must be on the page. Prints the mistakes, or one line; the exit status is 0 if there are none.
"""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reliability.md"
LOGS = ROOT / "build/logs"
FIGURES = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "tmp/figures"
LONG = os.environ.get("TEST_EFFORT") == "long"

COLUMNS = ["promise", "fault", "test", "figure"]
PASSED = [
    ("", re.compile(r"^test (\S+)(?: - should panic)? \.\.\. ok\b")),
    ("ctest:", re.compile(r"^ *\d+/\d+ Test +#\d+: (\S+) \.+ +Passed ")),
    ("script:", re.compile(r"^ok (.+)$")),
]


def passed_tests():
    """The names of all tests that passed, as the page writes them."""
    names = set()
    for log in LOGS.glob("*.log"):
        for line in log.read_text(errors="replace").splitlines():
            for prefix, pattern in PASSED:
                if found := pattern.match(line):
                    names.add(prefix + found.group(1).strip())
    return names


def rows():
    """Line number and cells of each row of the page's tables."""
    for number, line in enumerate(PAGE.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and cells != COLUMNS and set(line) - set("|-: "):
            yield number, cells


def mistakes():
    """The mistakes of the page: claims that the run does not confirm."""
    passed = passed_tests()
    recorded = {file.name: file.read_text() for file in FIGURES.glob("*")}
    shown = set()
    for number, cells in rows():
        where = f"{PAGE.name}:{number}"
        if len(cells) != len(COLUMNS):
            yield f"{where}: {len(cells)} cells, not {len(COLUMNS)}"
            continue
        promise, _, tests, figure = cells
        names = re.findall(r"`([^`]+)`", tests)
        if not promise or not names:
            yield f"{where}: a row needs a promise and a test"
        for name in names:
            is_long = name.startswith("long:")
            name = name.removeprefix("long:")
            if (LONG or not is_long) and name not in passed:
                yield f"{where}: {name} did not run and pass"
            if figure and not LONG and recorded.get(name) != figure:
                yield f"{where}: the figure is '{figure}', but {name} recorded '{recorded.get(name)}'"
            if figure:
                shown.add(name)
    for name in sorted(recorded.keys() - shown):
        yield f"{PAGE.name}: the figure of {name} is not on the page: '{recorded[name]}'"


def main():
    wrong = list(mistakes())
    count = len(list(rows()))
    if not wrong and not count:
        wrong = [f"{PAGE.name}: no promise is listed"]
    print("\n".join(wrong) if wrong else f"ok reliability page: {count} promises, each shown")
    print(f"reliability: {0 if wrong else 1} passed, {1 if wrong else 0} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
