#!/usr/bin/env python3
"""Measures the library side by side with other ways to download, in interleaved runs.

Ratios are those of medians; the absolute numbers depend on the machine and on what else it does.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import Bench, Command, MeasuringError, median, print_costs, print_ratio
from servers import LocalOss, Nginx, ServerError, make_certificate

MIB = 1024 * 1024
SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
PART_SIZE = 8 * MIB
FLOOR_READ_SIZES = [64 * 1024, 256 * 1024, MIB, 4 * MIB]
LATENCY_RATE = 20_000_000  # bytes per second and connection


class Setup:
    """The paths, and the commands to compare."""

    def __init__(self, options, scratch):
        self.build = options.build
        self.tools = options.build / "bench"
        self.rounds = options.rounds
        self.baseline = options.baseline
        self.scratch = scratch
        self.output = scratch / "output"
        self.checkpoints = scratch / "checkpoints"
        self.checkpoints.mkdir()
        self.bench = Bench(self.tools / "measure", scratch)

    def make_object(self, size):
        """A file of random bytes that nginx serves as bench/object: (path, its CRC-64)."""
        path = self.scratch / "root" / "bench" / "object"
        path.parent.mkdir(parents=True)
        made = subprocess.run(
            [self.tools / "random_file", path, str(size)],
            check=True, stdout=subprocess.PIPE, text=True,
        )
        return path, int(made.stdout)

    def nginx(self, crc, certificate=None):
        # Debian keeps nginx in a directory that is not on every user's PATH.
        unpacked = self.build / "tools/nginx/usr/sbin/nginx"
        program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") or unpacked
        return Nginx(str(program), self.scratch, self.scratch / "root", crc, certificate)

    def library(self, name, endpoint, key="object", checkpoint=True, part_size=PART_SIZE,
                flush=False, authorities=None, build=None):
        options = [f"part-size={part_size}", "threads=3", f"flush={'on' if flush else 'off'}"]
        if checkpoint:
            options.append(f"checkpoint-dir={self.checkpoints}")
        if authorities:
            options.append(f"ca-file={authorities}")
        program = (build / "bench" if build else self.tools) / "download"
        return Command(name, (program, endpoint, "bench", key, self.output, *options), self.output)

    def libraries(self, name, *arguments, **options):
        """The library and, if a baseline is given, that build of it with the same arguments."""
        commands = [self.library(name, *arguments, **options)]
        if self.baseline:
            baseline = self.library(f"{name} (baseline)", *arguments, build=self.baseline, **options)
            commands.append(baseline)
        return commands

    def curl(self, endpoint, authorities=None):
        trust = ["--cacert", authorities] if authorities else []
        url = f"{endpoint}/bench/object"
        argv = ("curl", "--silent", "--show-error", "--fail", *trust, "--output", self.output, url)
        return Command("curl", argv, self.output)

    def floors(self, port, size, sync=False):
        commands = []
        for shape in ("loop", "threads"):
            for read_size in FLOOR_READ_SIZES:
                argv = (self.tools / "floor", shape, read_size, port, "bench/object", size,
                        self.output, *(["sync"] if sync else []))
                name = f"floor {shape} {read_size // 1024} KiB"
                commands.append(Command(name, argv, self.output))
        return commands

    def compare(self, commands, original):
        self.bench.warm_up(commands, original)
        costs = self.bench.interleave(commands, self.rounds)
        print_costs(costs)
        print()
        print_against_baseline(costs)
        return costs


def print_against_baseline(costs):
    for name, runs in costs.items():
        if baseline := costs.get(f"{name} (baseline)"):
            for field, label in (("cpu", "CPU"), ("wall", "wall")):
                ratio = median(runs, field) / median(baseline, field)
                print_ratio(f"{label}, {name} / baseline", ratio)


def print_against_floor(costs, cpu_limit, wall_limit):
    floors = [runs for name, runs in costs.items() if name.startswith("floor")]
    for field, label, limit in (("cpu", "CPU", cpu_limit), ("wall", "wall", wall_limit)):
        floor = min(median(runs, field) for runs in floors)
        ours = median(costs["oss_resumable"], field)
        print_ratio(f"{label}, oss_resumable / best floor", ours / floor, limit)
        if "curl" in costs:
            print_ratio(f"{label}, curl / best floor", median(costs["curl"], field) / floor)
            print_ratio(f"{label}, oss_resumable / curl", ours / median(costs["curl"], field))


def case_loopback(setup, size):
    """plain HTTP over loopback, no flush: against curl and the floor"""
    original, crc = setup.make_object(size or 1024 * MIB)
    with setup.nginx(crc) as server:
        commands = setup.libraries("oss_resumable", server.endpoint)
        commands.append(setup.curl(server.endpoint))
        commands += setup.floors(server.port, original.stat().st_size)
        costs = setup.compare(commands, original)
    print_against_floor(costs, cpu_limit=1.15, wall_limit=1.1)


def case_flush(setup, size):
    """the same, flushed to the disk at the end: against the floor with fdatasync"""
    original, crc = setup.make_object(size or 1024 * MIB)
    with setup.nginx(crc) as server:
        commands = setup.libraries("oss_resumable", server.endpoint, flush=True)
        commands += setup.floors(server.port, original.stat().st_size, sync=True)
        costs = setup.compare(commands, original)
    print_against_floor(costs, cpu_limit=None, wall_limit=1.1)


def case_tls(setup, size):
    """verified TLS over loopback: against curl"""
    original, crc = setup.make_object(size or 1024 * MIB)
    authority, *certificate = make_certificate(setup.scratch)
    # Reading the system's authorities is part of the cost of a real verified connection.
    authorities = setup.scratch / "authorities.pem"
    system = SYSTEM_AUTHORITIES.read_text() if SYSTEM_AUTHORITIES.exists() else ""
    authorities.write_text(system + authority.read_text())
    with setup.nginx(crc, certificate) as server:
        commands = setup.libraries("oss_resumable", server.endpoint, authorities=authorities)
        commands.append(setup.curl(server.endpoint, authorities))
        costs = setup.compare(commands, original)
    for field, label, limit in (("cpu", "CPU", 1.1), ("wall", "wall", None)):
        ratio = median(costs["oss_resumable"], field) / median(costs["curl"], field)
        print_ratio(f"{label}, oss_resumable / curl", ratio, limit)


def case_many_parts(setup, size):
    """10,000 parts of 215 KiB: checkpoint on against off"""
    part_size = 215 * 1024
    original, crc = setup.make_object(size or 10_000 * part_size)
    with setup.nginx(crc) as server:
        commands = setup.libraries("checkpoint on", server.endpoint, part_size=part_size)
        commands.append(
            setup.library("checkpoint off", server.endpoint, part_size=part_size, checkpoint=False)
        )
        costs = setup.compare(commands, original)
    for field, label, limit in (("wall", "wall", 1.05), ("cpu", "CPU", None)):
        ratio = median(costs["checkpoint on"], field) / median(costs["checkpoint off"], field)
        print_ratio(f"{label}, checkpoint on / off", ratio, limit)


def case_latency(setup, size):
    """40 ms round trip, 20 MB/s for each of 3 connections: against the ideal time"""
    size = size or 256 * MIB
    ideal = size / (3 * LATENCY_RATE)
    local_oss = setup.build / "local-oss"
    original = setup.scratch / "original"
    pattern = [local_oss, "pattern", "--size", str(size), "--output", original]
    subprocess.run(pattern, check=True, stdout=subprocess.DEVNULL)
    arguments = ["--bucket", "bench", "--round-trip", "40ms", "--rate", str(LATENCY_RATE)]
    with LocalOss(local_oss, arguments) as server:
        commands = [
            command
            for part in (1, 8)
            for command in setup.libraries(f"parts of {part} MiB", server.endpoint,
                                           key=f"generated/{size}", part_size=part * MIB)
        ]
        costs = setup.compare(commands, original)
    for name, runs in costs.items():
        print_ratio(f"wall, {name} / ideal {ideal:.2f} s", median(runs, "wall") / ideal, 1.05)


def case_small_objects(setup, size):
    """1,000 objects of 64 KiB over one client, no flush: against curl --parallel"""
    count = 1000
    original, crc = setup.make_object(size or 64 * 1024)
    for number in range(count):
        os.link(original, original.with_name(f"small{number}"))
    with setup.nginx(crc) as server:
        names = {"oss_resumable": [], "with checkpoints": [setup.checkpoints]}
        builds = {"": setup.tools} | ({" (baseline)": setup.baseline / "bench"} if setup.baseline else {})
        commands = [
            Command(name + suffix, (tools / "small", server.endpoint, "bench", "small", count, setup.output, *more),
                    setup.output, count)
            for name, more in names.items() for suffix, tools in builds.items()
        ]
        commands.append(Command("curl", (
            "curl", "--silent", "--show-error", "--fail", "--parallel", "--parallel-max", "16",
            f"{server.endpoint}/bench/small[0-{count - 1}]", "--output", f"{setup.output}/#1",
        ), setup.output, count))
        costs = setup.compare(commands, original)
    for field, label, limit in (("wall", "wall", 1.3), ("cpu", "CPU", None)):
        ratio = median(costs["oss_resumable"], field) / median(costs["curl"], field)
        print_ratio(f"{label}, oss_resumable / curl", ratio, limit)


CASES = {
    "loopback": case_loopback,
    "flush": case_flush,
    "tls": case_tls,
    "many-parts": case_many_parts,
    "latency": case_latency,
    "small-objects": case_small_objects,
}


def file_system(directory):
    """The kind of file system and the device that `directory` is on."""
    found = subprocess.run(
        ["df", "--output=fstype,source", directory], check=True, stdout=subprocess.PIPE, text=True
    )
    return " on ".join(found.stdout.splitlines()[1].split())


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="cases:\n" + "".join(f"  {n:<11} {c.__doc__}\n" for n, c in CASES.items()),
    )
    parser.add_argument("--case", choices=CASES, default="loopback")
    parser.add_argument("--rounds", type=int, default=7, help="measured rounds, after a warm-up")
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()),
                        help="where files are written; a tmpfs takes the disk out of the figures")
    parser.add_argument("--size", type=int, help="bytes of the object; default: as the case says")
    parser.add_argument("--build", type=Path, default=Path(__file__).parent.parent / "build",
                        help="the build directory, as scripts/bench.sh leaves it")
    parser.add_argument("--baseline", type=Path,
                        help="another such build directory, of an earlier version, to compare with")
    options = parser.parse_args()
    options.build = options.build.resolve()
    if options.baseline:
        options.baseline = options.baseline.resolve()
    if options.rounds < 1 or (options.size is not None and options.size < 1):
        parser.error("--rounds and --size are at least 1")
    return options


def main():
    options = parse_arguments()
    case = CASES[options.case]
    with tempfile.TemporaryDirectory(prefix="oss-resumable-bench-", dir=options.dir) as scratch:
        print(f"{options.case}: {case.__doc__}")
        print(f"files on {file_system(scratch)}; {options.rounds} rounds after a warm-up")
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before the start\n")
        try:
            case(Setup(options, Path(scratch)), options.size)
        except (MeasuringError, ServerError) as error:
            sys.exit(f"bench: {error}")


if __name__ == "__main__":
    main()
