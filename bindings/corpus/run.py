#!/usr/bin/env python3
"""Runs the cases of the corpus in every language, and prints a table of language and case.

A line is printed for each result as it is known, then the table, then what failed, and at last the numbers of both.
README.md, beside this file, describes the cases and the programs.
"""

import argparse
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from running import cases, programs, table
from running.objects import Objects
from running.scene import Scene

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--language", action="append", help="only this one; may be repeated")
    parser.add_argument("--case", action="append", help="only cases whose name contains this; may be repeated")
    parser.add_argument("--jobs", type=int, default=2, help="cases that run at the same time (default: 2)")
    parser.add_argument("--programs", type=Path, default=HERE, help="the folder with those of the languages")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="CMake's build directory")
    parser.add_argument(
        "--target",
        type=Path,
        default=Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")),
        help="cargo's target directory",
    )
    parser.add_argument(
        "--skip-nothing",
        action="store_true",
        default=os.environ.get("BINDINGS_SKIP_NOTHING") == "1",
        help="a language that cannot be tested here is a failure (BINDINGS_SKIP_NOTHING=1)",
    )
    return parser.parse_args()


def run_case(program, case, objects):
    """What is wrong with a program in a case: an empty list if nothing is."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as directory:
        try:
            return Scene(Path(directory), program, case, objects).play()
        except Exception as error:
            return [f"the case could not be run: {error!r}"]


def run_all(tasks, jobs, objects):
    """Runs each case of each program; returns what is wrong by both."""
    results = {}
    with ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(run_case, program, case, objects): (program, case) for program, case in tasks}
        for ended in as_completed(running):
            program, case = running[ended]
            wrong = results[program.language, case.name] = ended.result()
            print(f"{'FAILED' if wrong else 'ok'} bindings {program.language}: {case.name}", flush=True)
    return results


def main():
    options = arguments()
    local_oss = options.target / "debug/local-oss"
    all_cases = cases.load(options.case)
    columns = programs.load(
        options.programs, options.language, {"root": ROOT, "build": options.build, "target": options.target}
    )
    if not all_cases or not columns:
        sys.exit("no such case or language")
    ready = [column for column in columns if not column.missing]
    tasks = [(column, case) for case in all_cases for column in ready if case.name not in column.lacks]
    with tempfile.TemporaryDirectory(prefix="corpus-objects-") as directory:
        results = run_all(tasks, options.jobs, Objects(Path(directory), local_oss))

    skipped = [column for column in columns if column.missing]
    print("\n" + table.text(all_cases, columns, results))
    for (language, name), wrong in results.items():
        for problem in wrong:
            print(f"FAILED {language}, {name}: {problem}")
    for column in skipped:
        print(f"{'FAILED' if options.skip_nothing else 'skipped'} {column.language}: {column.missing}")
    failed = sum(map(bool, results.values())) + (len(skipped) if options.skip_nothing else 0)
    print(f"bindings: {sum(not wrong for wrong in results.values())} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
