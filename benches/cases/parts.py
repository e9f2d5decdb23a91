"""Very many parts: what the checkpoint costs."""

from comparing import OURS, Row, against_itself
from contenders import SDK, Contenders
from setup import in_words

from .case import Case

PART_SIZE = 215 * 1024
PARTS = 10_000


def bare(name):
    return f"{name}, no checkpoint"


def many_parts(setup):
    size = setup.size(PARTS * PART_SIZE, quick=20 * PART_SIZE)
    original, crc = setup.make_object(size)
    with setup.nginx(crc) as server:
        contenders = Contenders(setup, setup.memory, server.endpoint)
        commands = [
            *contenders.libraries(part_size=PART_SIZE),
            contenders.library(bare(OURS), part_size=PART_SIZE, checkpoint=False),
            # With a checkpoint it is so slow that once has to do.
            *contenders.sdk(PART_SIZE, max_rounds=1),
            *contenders.sdk(PART_SIZE, bare(SDK), checkpoint=False),
        ]
        costs = setup.interleave(setup.memory, commands, original, 5)
    pairs = [(OURS, bare(OURS)), (SDK, bare(SDK))]
    comparisons = [against_itself(costs, what, "the same without a checkpoint", pairs, limit)
                   for what, limit in (("wall", 1.05), ("cpu", None))]
    work = f"{in_words(size)} in {size // PART_SIZE:,} parts of 215 KiB, checkpoint on"
    left_out = {name: why for name, why in contenders.left_out().items() if name == SDK}
    return [Row("many-parts", work, costs, comparisons, left_out)]


CASES = [
    Case("many-parts", "10,000 parts: with and without a checkpoint", ("many-parts",), many_parts)
]
