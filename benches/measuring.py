"""Runs commands in turn and measures what each costs."""

import os
import shutil
import signal
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = 1024 * 1024
TIME_LIMIT = 300  # seconds, for a peer that hangs


class MeasuringError(Exception):
    """A command failed or wrote a wrong file. The text follows its name."""


@dataclass(frozen=True)
class Command:
    """One way to do the work."""

    name: str
    argv: tuple
    output: Path  # the file it must make, or the directory that it must fill
    files: int = 1  # how many files it makes there
    saves_object: bool = True  # whether the file must have the object's bytes
    is_peer: bool = False  # a failure of a peer is a result, any other one ends the benchmark
    max_rounds: int = sys.maxsize  # for what is too slow for every round, or for a warm-up

    def runs_in(self, number, rounds):
        """Whether it takes part in a round of `rounds`; -1 is the warm-up."""
        return number < self.max_rounds and (number >= 0 or self.max_rounds >= rounds)


@dataclass(frozen=True)
class Cost:
    """What one run cost."""

    wall: float  # seconds
    cpu: float  # seconds, user and system
    peak: float  # MiB of resident memory
    printed: dict = field(default_factory=dict)  # what the command printed as "NAME VALUE"


@dataclass
class Costs:
    """The runs of each command by name, and why those peers failed that did."""

    runs: dict
    failures: dict

    def median(self, name, what):
        return statistics.median(self.values(name, what))

    def values(self, name, what):
        if name not in self.runs:
            raise MeasuringError(f"nothing to compare with: {name} {self.failures[name]}")
        return [getattr(cost, what) for cost in self.runs[name]]


def same_content(left, right):
    if left.stat().st_size != right.stat().st_size:
        return False
    with left.open("rb") as ours, right.open("rb") as theirs:
        while block := ours.read(BLOCK):
            if block != theirs.read(BLOCK):
                return False
    return True


def printed_values(text):
    """The lines "NAME VALUE" with a whole number."""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


class Bench:
    """Measures commands with the program `measure`, in the directory `output`."""

    def __init__(self, measure_program, scratch, output):
        self.measure_program = str(measure_program)
        self.report = scratch / "cost"
        self.output = output

    def interleave(self, commands, original, rounds, warm_up=True):
        """Runs all commands in turn, `rounds` times. Compares the first files with the original."""
        costs = Costs({command.name: [] for command in commands}, {})
        for number in range(-1 if warm_up else 0, rounds):
            for command in commands:
                if command.name in costs.failures or not command.runs_in(number, rounds):
                    continue
                self.show(f"round {number + 1} of {rounds}: {command.name}")
                try:
                    cost = self.run(command)
                    if not costs.runs[command.name]:
                        self.check(command, original)
                except MeasuringError as error:
                    if not command.is_peer:
                        raise MeasuringError(f"{command.name} {error}") from error
                    costs.failures[command.name] = str(error)
                    del costs.runs[command.name]
                    continue
                if number >= 0:
                    costs.runs[command.name].append(cost)
        self.show("")
        self.clear()
        return costs

    def run(self, command):
        self.clear()
        started = subprocess.Popen(
            [self.measure_program, str(self.report), *map(str, command.argv)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", start_new_session=True,
        )
        try:
            printed, _ = started.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            raise MeasuringError(f"took longer than {TIME_LIMIT} s") from None
        finally:
            if started.returncode is None:
                os.killpg(started.pid, signal.SIGKILL)
                started.communicate()
        if started.returncode != 0:
            last = (printed.strip().splitlines() or [""])[-1]
            raise MeasuringError(f"failed with status {started.returncode}: {last}")
        wall, user, system, peak = map(float, self.report.read_text().split())
        return Cost(wall, user + system, peak / 1024, printed_values(printed))

    def check(self, command, original):
        is_directory = command.output.is_dir()
        files = list(command.output.iterdir()) if is_directory else [command.output]
        if len(files) != command.files:
            raise MeasuringError(f"made {len(files)} files, not {command.files}")
        for file in files:
            saved = file.exists() and (not command.saves_object or same_content(file, original))
            if not saved:
                raise MeasuringError("wrote a wrong file")

    def clear(self):
        """Removes what a run left. That is not part of what the next run costs."""
        shutil.rmtree(self.output, ignore_errors=True)
        (self.output / "checkpoints").mkdir(parents=True)
        (self.output / "files").mkdir()

    @staticmethod
    def show(text):
        if sys.stderr.isatty():
            print(f"\r{text:<60.60}\r", end="", file=sys.stderr, flush=True)
