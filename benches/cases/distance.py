"""A distant service: a round trip of 40 ms, 20 MB/s for each of 3 connections."""

import math
from dataclasses import dataclass

from comparing import OURS, Comparison, Row, absolute, against, against_number, best, figure
from contenders import Contenders
from setup import MIB, in_words

from .case import Case

RATE = 20_000_000  # bytes per second of a connection
ROUND_TRIP = 0.04  # seconds
CONNECTIONS = 3
RESET_AFTER = 5_000_000  # bytes of a connection
PACE = ("--round-trip", f"{ROUND_TRIP * 1000:.0f}ms", "--rate", str(RATE))


def from_afar(setup, size, *faults, part_size=8 * MIB):
    """The costs of the library and its peers, and which of those are left out."""
    original = setup.make_pattern(size)
    with setup.local_oss(*PACE, *faults) as server:
        contenders = Contenders(setup, setup.memory, server.endpoint, key=f"generated/{size}")
        # The server sets the pace, so two rounds of the slow peers are enough.
        commands = [*contenders.libraries(part_size=part_size), *contenders.aria2(max_rounds=2),
                    *contenders.sdk(part_size, max_rounds=2)]
        costs = setup.interleave(setup.memory, commands, original, 3, warm_up=False)
    return costs, contenders.left_out()


def latency(setup):
    size = setup.size(256 * MIB, quick=4 * MIB)
    ideal = size / (CONNECTIONS * RATE)
    rows = []
    for part in (1, 8):
        costs, left_out = from_afar(setup, size, part_size=part * MIB)
        compared = against_number(costs, "wall", ideal, f"the ideal {ideal:.2f} s", 1.05)
        work = (f"{in_words(size)} at a round trip of 40 ms, 20 MB/s per connection, 3 connections, "
                f"parts of {part} MiB")
        rows.append(Row(f"latency-{part}", work, costs, [compared], left_out))
    return rows


def uneven(setup):
    size = setup.size(256 * MIB, quick=4 * MIB)
    slow = f"rate={RATE // 10}@every-connection:3"
    costs, left_out = from_afar(setup, size, "--fault", slow)
    limit = 5.3 * size / (256 * MIB)
    work = "the same with parts of 8 MiB, every third connection 10 times slower"
    return [Row("uneven", work, costs, [absolute(costs, "wall", limit)], left_out)]


def resets(setup):
    size = setup.size(256 * MIB, quick=4 * MIB)
    after = RESET_AFTER if size > 2 * RESET_AFTER else size // 4
    costs, left_out = from_afar(setup, size, "--fault", f"reset-connection-after={after}")
    # Each new connection costs two round trips: one to open it, one for the request.
    opened = math.ceil(size / after / CONNECTIONS)
    ideal = size / (CONNECTIONS * RATE) + opened * 2 * ROUND_TRIP
    twice = [100 * (cost.printed["bytes_from_network"] - size) / size for cost in costs.runs[OURS]]
    comparisons = [
        against_number(costs, "wall", ideal, f"the ideal {ideal:.2f} s", 1.05),
        Comparison("bytes fetched twice", "", "%", 1.0, {OURS: figure(twice)}),
    ]
    work = f"the same with parts of 8 MiB, every connection reset after {after / 1e6:.3g} MB"
    return [Row("resets", work, costs, comparisons, left_out)]


@dataclass(frozen=True)
class Path:
    """A path to the service; the connections share a link of `LINK`."""

    round_trip: int  # ms
    rate: int  # bytes per second of a connection
    numbers: tuple  # of connections, the best fixed one among them

    def __str__(self):
        return f"{self.round_trip} ms, {self.rate / 1e6:.0f} MB/s"


LINK = 60_000_000
MOST_CONNECTIONS = 64
PATHS = [
    Path(10, 2_000_000, (24, 30, 40)),
    Path(40, 20_000_000, (2, 3, 4)),
    Path(200, 10_000_000, (5, 6, 8)),
]


def auto_on_the_wire(setup):
    size = setup.size(1536 * MIB, quick=4 * MIB)
    original = setup.make_pattern(size)
    return [along(setup, path, size, original) for path in PATHS]


def along(setup, path, size, original):
    """The time of a download that finds its number of connections, against those of fixed numbers."""
    pace = ("--round-trip", f"{path.round_trip}ms", "--rate", str(path.rate),
            "--fault", f"common-link={LINK}")
    with setup.local_oss(*pace) as server:
        def contenders(connections):
            return Contenders(setup, setup.memory, server.endpoint, key=f"generated/{size}",
                              connections=connections)
        fixed = [f"{number} connections" for number in path.numbers]
        commands = [contenders(MOST_CONNECTIONS).library(auto_concurrency=True),
                    *(contenders(number).library(name)
                      for number, name in zip(path.numbers, fixed, strict=True))]
        costs = setup.interleave(setup.memory, commands, original, 1, warm_up=False)
    compared = against(costs, "wall", best(costs, "wall", fixed), "best fixed number", 1.10)
    work = (f"{in_words(size)}, `auto_concurrency` with up to {MOST_CONNECTIONS} connections of {path} "
            f"over a common link of {LINK / 1e6:.0f} MB/s")
    return Row(f"auto-wire-{path.round_trip}", work, costs, [compared])


CASES = [
    Case("latency", "256 MiB from afar, against the ideal time", ("latency-1", "latency-8"),
         latency),
    Case("uneven", "the same with slow connections", ("uneven",), uneven),
    Case("resets", "the same with connections that break", ("resets",), resets),
    Case("auto-wire", "adaptive numbers of connections, on the wire",
         tuple(f"auto-wire-{path.round_trip}" for path in PATHS), auto_on_the_wire),
]
