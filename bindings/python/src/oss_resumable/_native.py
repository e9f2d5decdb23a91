"""The shared library, and the declarations of its header.

``_declarations`` is generated from ``include/oss_resumable/oss_resumable.h`` when the package is built.
"""

from __future__ import annotations

import os
from typing import Any

from ._declarations import ffi as _ffi

#: Any C object: cffi has no static types for them.
CData = Any

ffi: Any = _ffi


def library_path() -> str:
    """The path of the shared library: ``OSS_RESUMABLE_LIBRARY`` if it is set, else the one in the package."""
    return os.environ.get("OSS_RESUMABLE_LIBRARY") or os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "liboss_resumable.so"
    )


lib: Any = ffi.dlopen(library_path())


#: The type of a string's bytes. A type is found faster than its name.
CHARS: CData = ffi.typeof("char[]")
_structs: dict[str, tuple[CData, int]] = {}


def new(struct: str) -> CData:
    """A size-first struct with its size set and every other field zero."""
    try:
        kind, size = _structs[struct]
    except KeyError:
        kind, size = _structs[struct] = ffi.typeof(struct + " *"), ffi.sizeof(struct)
    pointer = ffi.new(kind)
    pointer.struct_size = size
    return pointer
