"""The checksum of OSS."""

from __future__ import annotations

from typing import Union

from ._fields import integer
from ._native import ffi, lib

Buffer = Union[bytes, bytearray, memoryview]


def crc64(data: Buffer, crc: int = 0) -> int:
    """The CRC-64 of OSS (CRC-64/XZ, ``x-oss-hash-crc64ecma``) of bytes that may come piece by piece.

    `crc` is the checksum of the bytes before these. A file whose checksum is ``Result.crc64`` is what was downloaded,
    unless it was decrypted.
    """
    buffer = ffi.from_buffer(data)
    return int(lib.oss_resumable_crc64(integer("crc", crc, "uint64_t"), buffer, len(buffer)))
