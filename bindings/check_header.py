#!/usr/bin/env python3
"""Compares every binding with the C header.

Fails if a binding lacks a field, a constant or a function, or has another name, type, value or default.
header/README.md, beside this file, says how a binding tells what it wraps.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from header import compare, model

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "include/oss_resumable/oss_resumable.h"
# The exit status of a program that cannot tell because something is not installed.
SKIPPED = 77


class Skipped(Exception):
    """What is missing."""


def coverage(file):
    """What a binding wraps: a file in JSON, or a program that prints it."""
    if file.suffix == ".json":
        return json.loads(file.read_text())
    command = [sys.executable, file] if file.suffix == ".py" else [file]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode == SKIPPED:
        raise Skipped(done.stderr.strip())
    if done.returncode != 0:
        raise RuntimeError(f"it ended with status {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def check(header, file):
    """Prints what is wrong with a binding; returns whether nothing is, or None if that cannot be told here."""
    name = file.parent.name
    try:
        wraps = coverage(file)
        name = wraps["binding"]
        wrong = compare.problems(header, wraps)
    except Skipped as reason:
        print(f"skipped header {name}: {reason}")
        return False if os.environ.get("BINDINGS_SKIP_NOTHING") == "1" else None
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        wrong = [f"its coverage cannot be read: {error!r}"]
    print("".join(f"    {problem}\n" for problem in wrong), end="")
    print(f"{'FAILED' if wrong else 'ok'} header {name} has all of the C header")
    return not wrong


def main():
    header = model.read(HEADER)
    results = [check(header, file) for file in sorted(ROOT.glob("bindings/*/coverage.*"))]
    passed, failed = results.count(True), results.count(False)
    count = sum(map(len, header.structs.values()))
    print(f"the header has {count} fields, {len(header.functions)} functions and {len(header.constants)} constants")
    print(f"header: {passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
