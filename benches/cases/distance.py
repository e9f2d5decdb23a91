"""A distant service: a round trip of 40 ms, 20 MB/s for each of 3 connections."""

import math

from comparing import OURS, Comparison, Row, absolute, against_number, figure
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


CASES = [
    Case("latency", "256 MiB from afar, against the ideal time", ("latency-1", "latency-8"),
         latency),
    Case("uneven", "the same with slow connections", ("uneven",), uneven),
    Case("resets", "the same with connections that break", ("resets",), resets),
]
