"""Measures downloads through Python beside the same ones through the C programs of benches/, in turn.

    compare.py [--build DIR] [--rounds N]

Needs what scripts/bench.sh has built, and is run by a Python that has the package, such as that of
build/bindings/python/venv. Both use the library of the build directory. Prints ratios of medians: of the whole process,
and of its work, without the start of Python and the import.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "benches"))

from measuring import Command  # noqa: E402
from setup import MIB, Setup  # noqa: E402

SMALL, COUNT = 64 * 1024, 1000
LARGE = 1024 * MIB


def python(program, setup, *arguments):
    """The command line of a program of this directory."""
    library = setup.options.build / "lib/liboss_resumable.so"
    return ("env", f"OSS_RESUMABLE_LIBRARY={library}", sys.executable, HERE / program, *arguments)


def small(setup, server):
    """Many small objects: the commands by name."""
    output = setup.memory.output / "files"
    arguments = (server.endpoint, "bench", "object", str(COUNT), output)
    yield Command("C", (setup.tool("many"), *arguments), output, COUNT)
    yield Command("Python", python("many.py", setup, *arguments), output, COUNT)


def large(setup, server):
    """One large object: the commands by name."""
    output = setup.memory.output / "file"
    arguments = (server.endpoint, "bench", "object", output)
    checkpoints = setup.memory.output
    in_c = (setup.tool("download"), *arguments, f"checkpoint-dir={checkpoints}", "flush=off")
    yield Command("C", in_c, output)
    yield Command("Python", python("download.py", setup, *arguments, checkpoints), output)


def measure(setup, what, size, commands, rounds):
    """Prints the ratios of one piece of work."""
    original, crc = setup.make_object(size)
    with setup.nginx(crc) as server:
        costs = setup.interleave(setup.memory, list(commands(setup, server)), original, rounds)
    in_c = costs.median("C", "wall")
    work = statistics.median(run.printed["microseconds"] / 1e6 for run in costs.runs["Python"])
    wall, cpu = (costs.median("Python", one) / costs.median("C", one) for one in ("wall", "cpu"))
    print(f"{what}: C {in_c:.3f} s; Python over C: wall {wall:.3f}, its work {work / in_c:.3f}, CPU {cpu:.3f}")


def main():
    """Measures both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    options = SimpleNamespace(build=given.build.resolve(), quick=False, rounds=given.rounds, size=None)
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="oss-resumable-bench-") as memory:
        setup = Setup(options, Path(memory), Path(memory))
        measure(setup, f"{COUNT} objects of 64 KiB", SMALL, small, given.rounds)
        measure(setup, "one object of 1 GiB", LARGE, large, given.rounds)


if __name__ == "__main__":
    main()
