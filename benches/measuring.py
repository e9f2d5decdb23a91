"""Runs commands side by side and compares their cost."""

import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


class MeasuringError(Exception):
    """A command failed or wrote a wrong file."""


@dataclass(frozen=True)
class Command:
    """One way to do the work. `output` is what it must produce, removed before each run: a file, or a directory of
    `files` files."""

    name: str
    argv: tuple
    output: Path
    files: int | None = None

    def prepare(self):
        self.discard_output()
        if self.files is not None:
            self.output.mkdir()

    def discard_output(self):
        if self.files is None:
            self.output.unlink(missing_ok=True)
        else:
            shutil.rmtree(self.output, ignore_errors=True)

    def is_right(self, original):
        """Whether every file that it must have produced is the original."""
        outputs = [self.output] if self.files is None else list(self.output.iterdir())
        return len(outputs) == (self.files or 1) and all(same_content(o, original) for o in outputs)


@dataclass(frozen=True)
class Cost:
    """The cost of one run."""

    wall: float  # seconds
    cpu: float  # seconds, user and system
    peak: float  # MiB


def same_content(left, right):
    return subprocess.run(["cmp", "-s", left, right], check=False).returncode == 0


class Bench:
    """Measures commands with the `measure` program, in a scratch directory."""

    def __init__(self, measure_program, scratch):
        self.measure_program = str(measure_program)
        self.report = Path(scratch) / "cost"

    def run(self, command):
        command.prepare()
        done = subprocess.run(
            [self.measure_program, str(self.report), *map(str, command.argv)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise MeasuringError(
                f"{command.name} failed with status {done.returncode}: {done.stdout.strip()}"
            )
        wall, user, system, peak = map(float, self.report.read_text().split())
        return Cost(wall, user + system, peak / 1024)

    def warm_up(self, commands, original):
        """Runs each command once and compares its file with the original."""
        for command in commands:
            self.run(command)
            right = command.is_right(original)
            command.discard_output()
            if not right:
                raise MeasuringError(f"{command.name} wrote a wrong file")

    def interleave(self, commands, rounds):
        """Runs all commands in turn, `rounds` times: {name: [Cost, ...]}."""
        costs = {command.name: [] for command in commands}
        for number in range(rounds):
            if sys.stderr.isatty():
                print(f"round {number + 1} of {rounds}", end="\r", file=sys.stderr, flush=True)
            for command in commands:
                costs[command.name].append(self.run(command))
                command.discard_output()
        return costs


def median(costs, field):
    return statistics.median(getattr(cost, field) for cost in costs)


def print_costs(costs):
    def triple(runs, field):
        values = [getattr(run, field) for run in runs]
        return f"{min(values):7.2f} {statistics.median(values):7.2f} {max(values):7.2f}"

    width = max(len(name) for name in costs)
    print(f"{'':{width}}  {'wall, s':^23}  {'CPU, s':^23}  peak, MiB")
    print(f"{'':{width}}  {'    min  median     max  ' * 2}   median")
    for name, runs in costs.items():
        print(
            f"{name:{width}}  {triple(runs, 'wall')}  {triple(runs, 'cpu')}"
            f"  {median(runs, 'peak'):9.1f}"
        )


def print_ratio(what, ratio, limit=None):
    """One comparison; `limit` is the maximum that the design allows."""
    verdict = ""
    if limit is not None:
        verdict = f"  must be at most {limit:.2f}: {'reached' if ratio <= limit else 'MISSED'}"
    print(f"{what:<44}{ratio:6.2f}{verdict}")
