"""What a download uses besides time: requests and memory."""

from comparing import Comparison, Figure, Row, absolute
from contenders import Contenders
from measuring import MeasuringError
from setup import MIB, in_words

from .case import Case

SMALL = 64 * 1024
CONNECTIONS = 3
# Connections, and the MiB that the whole process may take with them.
MEMORY = ((3, 24), (64, 55), (256, 72))
# nginx limits the pace of a connection so that all of them are in use for seconds.
TOTAL_RATE = 200_000_000


def requests(setup, row, work, size, limit):
    """Counts the requests that each command makes for one object."""
    original = setup.make_pattern(size)
    counts, failures = {}, {}
    with setup.local_oss("--log") as server:
        contenders = Contenders(setup, setup.memory, server.endpoint, key=f"generated/{size}")
        for command in (contenders.library(), *contenders.peers()):
            before = server.count_requests()
            try:
                setup.memory.bench.run(command)
                setup.memory.bench.check(command, original)
            except MeasuringError as error:
                if not command.is_peer:
                    raise MeasuringError(f"{command.name} {error}") from error
                failures[command.name] = str(error)
                continue
            count = server.count_requests() - before
            counts[command.name] = Figure(count, count, count)
    comparison = Comparison("requests", "", "", limit, counts)
    left_out = contenders.left_out() | failures
    return Row(row, work, None, [comparison], left_out)


def all_requests(setup):
    large = setup.size(256 * MIB, quick=32 * MIB)
    return [
        requests(setup, "requests-small", "requests for an object smaller than a part", SMALL, 1),
        requests(setup, "requests-large",
                 f"requests for {in_words(large)} over {CONNECTIONS} connections, quiet network",
                 large, CONNECTIONS + 2),
    ]


def memory(setup):
    """The whole process, with verified TLS."""
    size = setup.size(512 * MIB)
    original, crc = setup.make_object(size)
    _, *certificate = setup.certificate
    rows = []
    for connections, limit in MEMORY:
        rate = None if setup.quick else TOTAL_RATE // connections
        with setup.nginx(crc, certificate=certificate, rate=rate) as server:
            contenders = Contenders(setup, setup.memory, server.endpoint, connections=connections,
                                    authorities=setup.authorities)
            commands = [*contenders.libraries(part_size=MIB), *contenders.aria2(),
                        *contenders.sdk(MIB)]
            costs = setup.interleave(setup.memory, commands, original, 2, warm_up=False)
        work = f"peak memory of the whole process, {connections} connections with TLS"
        rows.append(Row(f"memory-{connections}", work, costs, [absolute(costs, "peak", limit)],
                        contenders.left_out()))
    return rows


CASES = [
    Case("requests", "requests for a small and a large object",
         ("requests-small", "requests-large"), all_requests),
    Case("memory", "peak memory with 3, 64 and 256 connections",
         tuple(f"memory-{connections}" for connections, _ in MEMORY), memory),
]
