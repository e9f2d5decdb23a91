"""Strings and paths on their way to and from C: UTF-8 that ends with NUL."""

from __future__ import annotations

import os
from typing import Union

from ._native import CData, ffi

StrPath = Union[str, bytes, os.PathLike[str], os.PathLike[bytes]]


def encoded(name: str, value: object) -> bytes:
    """The bytes of a text argument."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be str, not {type(value).__name__}")
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} contains a surrogate, which is not a character of UTF-8") from None
    return _without_nul(name, data)


def encoded_path(name: str, value: StrPath) -> bytes:
    """The bytes of a path.

    The library takes UTF-8 only, and refuses another encoding with words. So the bytes are passed on as they are.
    """
    try:
        path = os.fspath(value)
    except TypeError:
        raise TypeError(f"{name} must be str, bytes or os.PathLike, not {type(value).__name__}") from None
    try:
        data = path if isinstance(path, bytes) else path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise ValueError(f"{name} contains a surrogate that stands for no byte") from None
    return _without_nul(name, data)


def _without_nul(name: str, data: bytes) -> bytes:
    if b"\0" in data:
        raise ValueError(f"{name} contains a NUL byte")
    return data


def decoded(pointer: CData) -> str | None:
    """A string of the library; ``None`` for NULL."""
    return None if pointer == ffi.NULL else ffi.string(pointer).decode("utf-8", "replace")


def decoded_path(pointer: CData) -> str | None:
    """A path of the library, which is in the bytes of the file system; ``None`` for NULL."""
    return None if pointer == ffi.NULL else os.fsdecode(ffi.string(pointer))
