"""The same work through the Python package and through the command, against a C program."""

import os
from pathlib import Path

from comparing import OURS, Comparison, Row, against, ratio
from contenders import Contenders
from measuring import Command
from setup import MIB, in_words

from .case import Case
from .objects import OBJECT_SIZE, library

PYTHON = "Python"
COMMAND = "command"
LIMIT = 1.05
PROGRAMS = Path(__file__).resolve().parents[2] / "bindings/python/bench"
SUMMARY = "Python and the command, against a C program"


def against_c(costs):
    """Multiples of what the C program takes, start and end of the process included."""
    for name in (PYTHON, COMMAND):
        yield against(costs, "wall", OURS, "the C program", LIMIT, [name], by=name)
        yield against(costs, "cpu", OURS, "the C program", None, [name], by=name)
    work = [run.printed["microseconds"] / 1e6 for run in costs.runs[PYTHON]]
    figures = {PYTHON: ratio(work, costs.values(OURS, "wall"))}
    yield Comparison("wall without the start of Python", "the C program", "×", None, figures, PYTHON)


def python(setup, program, *arguments):
    return (setup.tool("python/bin/python"), "-B", PROGRAMS / program, *arguments)


def command(setup, endpoint, *arguments):
    """The command without a configuration of the user."""
    return ("env", f"HOME={setup.memory.scratch}", setup.options.build / "oss-resumable", "get", "--quiet",
            "--anonymous", "--region", "cn-hangzhou", "--endpoint", endpoint, *arguments)


def small(setup):
    count = 50 if setup.quick else 1000
    original, crc = setup.make_object(OBJECT_SIZE)
    sources = setup.memory.scratch / "sources"
    sources.write_text("".join(f"oss://bench/objects/{number}\n" for number in range(count)))
    objects = original.with_name("objects")
    objects.mkdir(exist_ok=True)
    for number in range(count):
        (objects / str(number)).unlink(missing_ok=True)
        os.link(original, objects / str(number))
    output = setup.memory.output / "files"
    with setup.nginx(crc) as server:
        many = python(setup, "many.py", server.endpoint, "bench", "object", count, output)
        listed = command(setup, server.endpoint, "--from-file", sources, "--directory", output)
        commands = [library(setup, server, count), Command(PYTHON, many, output, count),
                    Command(COMMAND, listed, output, count)]
        costs = setup.interleave(setup.memory, commands, original, 15)
    work = f"{count:,} objects of 64 KiB over one client, no flush: through Python and through the command"
    return [Row("bindings-small", work, costs, [*against_c(costs)])]


def large(setup):
    size = setup.size(1024 * MIB)
    original, crc = setup.make_object(size)
    with setup.nginx(crc) as server:
        contenders = Contenders(setup, setup.memory, server.endpoint)
        file, checkpoints = contenders.file, setup.memory.output / "checkpoints"
        download = python(setup, "download.py", server.endpoint, "bench", "object", file, checkpoints)
        get = command(setup, server.endpoint, "--connections", "3", "oss://bench/object", "--output", file)
        commands = [contenders.library(), Command(PYTHON, download, file), Command(COMMAND, get, file)]
        costs = setup.interleave(setup.memory, commands, original, 7)
    work = f"{in_words(size)} over 3 connections with a checkpoint: through Python and through the command"
    return [Row("bindings-large", work, costs, [*against_c(costs)])]


def bindings(setup):
    needed = (setup.tool("python"), setup.options.build / "oss-resumable")
    if not all(path.exists() for path in needed):
        reason = "the Python package or the command is not built, which scripts/bench.sh does"
        return [Row("bindings", SUMMARY, skipped=reason)]
    return [*small(setup), *large(setup)]


CASES = [Case("bindings", SUMMARY, ("bindings-small", "bindings-large"), bindings)]
