"""One large object over loopback: against the least that such a transfer can cost."""

import hashlib
import os
import shutil

from comparing import OURS, Row, against, best
from contenders import SDK, Contenders, is_floor
from setup import MIB, in_words

from .case import Case

GIB = 1024 * MIB
MANY_CORES = 16


def against_floor(costs, cpu_limit, wall_limit):
    """CPU and wall time as multiples of the best floor, which may be another one for each."""
    floors = [name for name in costs.runs if is_floor(name)]
    others = [name for name in costs.runs if not is_floor(name)]
    for what, limit in (("cpu", cpu_limit), ("wall", wall_limit)):
        floor = best(costs, what, floors)
        yield against(costs, what, floor, "best floor", limit, others)


def over_http(setup, area, size, connections=3, flush=False, workers=1, rounds=5):
    """The costs of the library, the floors and the peers, and which peers are left out."""
    original, crc = setup.make_object(size)
    with setup.nginx(crc, workers=workers) as server:
        contenders = Contenders(setup, area, server.endpoint, connections=connections, flush=flush)
        commands = [*contenders.libraries(), *contenders.peers(),
                    *contenders.floors(server.port, size)]
        costs = setup.interleave(area, commands, original, rounds)
    return costs, contenders.left_out()


def loopback(setup):
    size = setup.size(GIB)
    costs, left_out = over_http(setup, setup.memory, size)
    work = (f"{in_words(size)} over loopback HTTP from nginx onto tmpfs, 3 connections, parts of 8 MiB, "
            "CRC-64 and checkpoint on, no flush")
    return [Row("loopback", work, costs, [*against_floor(costs, 1.05, 1.05)], left_out)]


def flush(setup):
    costs, left_out = over_http(setup, setup.disk, setup.size(GIB), flush=True)
    work = "the same onto a disk, flushed at the end as is the default (peers: `sync -d`)"
    return [Row("flush", work, costs, [*against_floor(costs, None, 1.05)], left_out)]


def direct(setup):
    """Past the page cache, beside buffered writes and what the disk does without a download."""
    size = setup.size(GIB)
    original, crc = setup.make_object(size)
    with setup.nginx(crc) as server:
        contenders = Contenders(setup, setup.disk, server.endpoint, flush=True)
        commands = [contenders.library(write_mode=2), contenders.library("buffered", write_mode=1),
                    *([contenders.fio("fio direct", size, 1)] if shutil.which("fio") else [])]
        costs = setup.interleave(setup.disk, commands, original, 7)
    comparisons = [against(costs, what, "buffered", "buffered", limit, [OURS])
                   for what, limit in (("cpu", 0.5), ("wall", 1.0))]
    left_out = {} if shutil.which("fio") else {"fio direct": "it is not installed"}
    if "fio direct" in costs.runs:
        label = "`fio`, direct, three writers, no download"
        comparisons.append(against(costs, "wall", "fio direct", label, 1 / 0.9))
    work = f"{in_words(size)} onto a disk, flushed, `write_mode` direct"
    return [Row("direct", work, costs, comparisons, left_out)]


def digest(setup):
    """With an expected SHA-256, beside none, and beside OpenSSL's command after the download."""
    size = setup.size(GIB)
    original, crc = setup.make_object(size)
    with original.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    with setup.nginx(crc) as server:
        contenders = Contenders(setup, setup.memory, server.endpoint)
        commands = [contenders.library(sha256=sha256), contenders.library("no digest"),
                    contenders.library_and_openssl("no digest, then openssl dgst")]
        costs = setup.interleave(setup.memory, commands, original, 7)
    comparisons = [against(costs, what, name, label, limit, [OURS])
                   for name, label, limits in (
                       ("no digest", "no digest", {"cpu": None, "wall": None}),
                       ("no digest, then openssl dgst", "no digest, then `openssl dgst -sha256`",
                        {"cpu": 1.0, "wall": 1.0}))
                   for what, limit in limits.items()]
    work = f"{in_words(size)} over loopback onto tmpfs as above, with `expected_sha256`"
    return [Row("digest", work, costs, comparisons)]


def tls(setup):
    size = setup.size(GIB)
    original, crc = setup.make_object(size)
    _, *certificate = setup.certificate
    with setup.nginx(crc, certificate=certificate) as server:
        contenders = Contenders(setup, setup.memory, server.endpoint,
                                authorities=setup.authorities)
        commands = [*contenders.libraries(), *contenders.peers()]
        costs = setup.interleave(setup.memory, commands, original, 5)
    comparisons = [against(costs, what, "curl", "`curl`, one stream, no checksum", limit)
                   for what, limit in (("cpu", 1.0), ("wall", None))]
    work = f"{in_words(size)} onto tmpfs as above, TLS verified with the system's CA bundle"
    return [Row("tls", work, costs, comparisons, contenders.left_out())]


def many_cores(setup):
    """A row for each number of connections."""
    options = setup.options
    size = setup.size(4 * GIB)
    rows = []
    for connections in options.connections or ([2, 4] if setup.quick else [8, 16, 32]):
        workers = options.workers or max(1, (os.cpu_count() or 1) // 4)
        costs, left_out = over_http(setup, setup.memory, size, connections, False, workers, 3)
        comparisons = [*against_floor(costs, None, 1.05)]
        if parallel := [name for name in costs.runs if name in ("aria2c", SDK)]:
            cheapest = best(costs, "cpu", parallel)
            label = "cheapest peer with as many connections"
            comparisons.append(against(costs, "cpu", cheapest, label, 0.25, [OURS]))
        work = (f"{in_words(size)} onto tmpfs over {connections} connections, "
                f"nginx with {workers} worker process{'es' if workers > 1 else ''}")
        rows.append(Row(f"many-cores-{connections}", work, costs, comparisons, left_out))
    return rows


def too_few_cores():
    count = os.cpu_count() or 1
    if count < MANY_CORES:
        return f"it is for {MANY_CORES} processors, this machine has {count}"
    return None


CASES = [
    Case("loopback", "1 GiB over loopback HTTP onto tmpfs", ("loopback",), loopback),
    Case("flush", "the same onto a disk, flushed", ("flush",), flush),
    Case("direct", "the same past the page cache", ("direct",), direct),
    Case("digest", "the same with an expected SHA-256", ("digest",), digest),
    Case("tls", "the same with verified TLS", ("tls",), tls),
    Case("many-cores", "4 GiB over 8, 16 and 32 connections, for a machine with 16 processors",
         ("many-cores-8", "many-cores-16", "many-cores-32"), many_cores, too_few_cores),
]
