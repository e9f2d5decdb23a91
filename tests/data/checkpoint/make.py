#!/usr/bin/env python3
"""Makes the golden journals from docs/checkpoint.md alone, with nothing of the library."""

import struct
from pathlib import Path

POLYNOMIAL = 0xC96C5795D7870F42
ABSENT = 0xFFFFFFFF
COMPARED = 4
MAY_GROW = 8


def crc64(data):
    crc = 0xFFFFFFFFFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFFFFFFFFFFFFFF


def text(value):
    return struct.pack("<I", ABSENT) if value is None else struct.pack("<I", len(value)) + value


def header(journal_id, size, start, end, requested, object_crc, texts, held_without_if_match=0):
    flags = (object_crc is not None) | (requested is not None) << 1 | held_without_if_match
    body = journal_id + struct.pack(
        "<QQQqqQI", size, start, end, *(requested or (0, 0)), object_crc or 0, flags
    )
    body += b"".join(map(text, texts))
    length = (16 + len(body) + 8 + 31) // 32 * 32
    version = 2 if held_without_if_match else 1
    head = b"\x89OSSR\r\n\x1a" + struct.pack("<II", version, length) + body
    head = head.ljust(length - 8, b"\0")
    return head + struct.pack("<Q", crc64(head))


def record(journal_id, offset, length, crc):
    body = struct.pack("<QQQ", offset, length, crc)
    return body + struct.pack("<Q", crc64(journal_id + body))


def main():
    here = Path(__file__).parent
    journal_id = bytes(range(16))
    texts = [
        b"examplebucket", b"exampledir/exampleobject.txt", None, None,
        b"5B3C1A2E053D763E1B002CC607C5A0FE", b"Fri, 24 Feb 2012 06:07:48 GMT",
        b"/data/examplefile.txt", b"examplefile.txt.temp",
    ]
    (here / "v1-whole.journal").write_bytes(
        header(journal_id, 20_000_000, 0, 20_000_000, None, 0x995DC9BBDF1939FA, texts)
        + record(journal_id, 0, 8_388_608, 0x0123456789ABCDEF)
        + record(journal_id, 16_777_216, 3_222_784, 0xFEDCBA9876543210)
    )
    journal_id = bytes(range(255, 239, -1))
    version = b"CAEQNhiBgMDJgZCA0BYiIDc4"
    texts = [
        b"bucket", "目录/对象".encode(), version, version, b"F2D0-2", None,
        b"/data/\xff", b"\xff.0123456789abcdef.temp",
    ]
    (here / "v1-range.journal").write_bytes(
        header(journal_id, 1 << 40, 1 << 39, 1 << 40, (1 << 39, -1), None, texts)
        + record(journal_id, 1 << 39, 1 << 26, 1)
    )
    journal_id = bytes(range(16, 32))
    for name, etag, flag, first, crc in [
        ("v2-compared", b'W/"5B3C1A2E"', COMPARED, 2_000_000, 2),
        ("v2-growing", b"5B3C1A2E-12", MAY_GROW, 0, 1),
    ]:
        texts = [
            b"examplebucket", b"log", None, None, etag, b"Fri, 24 Feb 2012 06:07:48 GMT",
            b"/data/log", b"log.temp",
        ]
        (here / f"{name}.journal").write_bytes(
            header(journal_id, 3_000_000, 0, 3_000_000, None, 0x995DC9BBDF1939FA, texts, flag)
            + record(journal_id, first, 1_000_000, crc)
        )


main()
