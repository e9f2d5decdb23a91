"""Many small objects over one client."""

from comparing import OURS, Row, absolute, against, printed
from contenders import Contenders
from measuring import Command

from .case import Case

OBJECT_SIZE = 64 * 1024
# The default of a client's max_active_downloads, and the threads beside those of its downloads.
MOST_THREADS = 16 + 12


def library(setup, server, count):
    output = setup.memory.output / "files"
    argv = (setup.tool("many"), server.endpoint, "bench", "object", count, output)
    return Command(OURS, argv, output, count)


def curl(setup, server, count):
    """One object under `count` URLs: nginx ignores the query."""
    output = setup.memory.output / "files"
    url = f"{Contenders(setup, setup.memory, server.endpoint).url}?[0-{count - 1}]"
    argv = ("curl", "--silent", "--show-error", "--fail", "--parallel", "--parallel-max", "16",
            "--output", output / "#1", url)
    return Command("curl", argv, output, count)


def small_objects(setup):
    count = 50 if setup.quick else 1000
    original, crc = setup.make_object(OBJECT_SIZE)
    with setup.nginx(crc) as server:
        commands = [library(setup, server, count), curl(setup, server, count)]
        costs = setup.interleave(setup.memory, commands, original, 15)
    comparisons = [
        against(costs, what, "curl", "`curl --parallel --parallel-max 16`", limit)
        for what, limit in (("wall", 1.3), ("cpu", None))
    ]
    work = (f"{count:,} objects of 64 KiB over one client, each with CRC-64, temporary file and rename, "
            "no flush")
    return [Row("small-objects", work, costs, comparisons)]


def queue(setup):
    count = 200 if setup.quick else 10_000
    original, crc = setup.make_object(OBJECT_SIZE)
    with setup.nginx(crc) as server:
        commands = [library(setup, server, count)]
        costs = setup.interleave(setup.memory, commands, original, 3, warm_up=False)
    comparisons = [
        printed(costs, "threads", MOST_THREADS),
        absolute(costs, "peak", 96),
    ]
    return [Row("queue", f"{count:,} downloads of 64 KiB started at once", costs, comparisons)]


CASES = [
    Case("small-objects", "1,000 small objects, against curl", ("small-objects",), small_objects),
    Case("queue", "10,000 downloads at once: threads and memory", ("queue",), queue),
]
