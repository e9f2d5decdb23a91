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


def new(struct: str) -> CData:
    """A size-first struct with its size set and every other field zero."""
    pointer = ffi.new(struct + " *")
    pointer.struct_size = ffi.sizeof(struct)
    return pointer
