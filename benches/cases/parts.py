"""Very many parts: what the checkpoint costs."""

from comparing import OURS, Row, against
from contenders import SDK, Contenders

from .case import Case

PART_SIZE = 215 * 1024
PARTS = 10_000


def many_parts(setup):
    size = setup.size(PARTS * PART_SIZE, quick=20 * PART_SIZE)
    original, crc = setup.make_object(size)
    with setup.nginx(crc) as server:
        contenders = Contenders(setup, setup.memory, server.endpoint)
        commands = [
            *contenders.libraries(part_size=PART_SIZE),
            contenders.library("no checkpoint", part_size=PART_SIZE, checkpoint=False),
            # Its checkpoint makes it so slow that once has to do.
            *contenders.sdk(PART_SIZE, max_rounds=1),
        ]
        costs = setup.interleave(setup.memory, commands, original, 5)
    ours = [name for name in costs.runs if name.startswith(OURS)]
    comparisons = [
        against(costs, what, "no checkpoint", "itself without a checkpoint", limit, ours)
        for what, limit in (("wall", 1.05), ("cpu", None))
    ]
    if costs.runs.get(SDK):
        comparisons.append(against(costs, "wall", OURS, "the library with one", names=[SDK]))
    work = "2 GiB in 10,000 parts of 215 KiB, checkpoint on"
    left_out = {SDK: reason for name, reason in contenders.left_out().items() if name == SDK}
    return [Row("many-parts", work, costs, comparisons, left_out)]


CASES = [
    Case("many-parts", "10,000 parts: with and without a checkpoint", ("many-parts",), many_parts)
]
