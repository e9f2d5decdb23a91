"""Objects of the library that Python owns."""

from __future__ import annotations

from typing import Callable, ClassVar

from ._native import CData, ffi
from .errors import check_error


class Handle:
    """Owns an object of the library, and frees it when it is closed or collected, but not while a call uses it.

    Each call has a reference to the pointer, and the last reference frees it. An interrupt cannot come between, because
    all that happens inside cffi.
    """

    __slots__ = ("_pointer", "_what")

    def __init__(
        self, what: str, kind: str, free: Callable[[CData], None], make: Callable[[CData, CData], int]
    ) -> None:
        self._what = what
        self._pointer: CData | None = None
        out, error = ffi.new(kind + " **"), ffi.new("oss_resumable_error **")
        try:
            code = make(out, error)
        except BaseException:
            # An interrupt that came during the call.
            free(out[0])
            raise
        self._pointer = ffi.gc(out[0], free)
        check_error(code, error)

    def pointer(self) -> CData:
        """The pointer, to be passed to one call."""
        pointer = self._pointer
        if pointer is None:
            raise ValueError(f"the {self._what} is closed")
        return pointer

    def close(self) -> None:
        """Frees the object now, or when the last call that uses it returns."""
        self._pointer = None


class Unpicklable:
    """A base of objects that refer to the library's memory, which another process does not have."""

    __slots__ = ()

    #: What to do instead of pickling it.
    _instead: ClassVar[str] = "Create a Client in each process."

    def __reduce_ex__(self, protocol: object) -> str:
        what = type(self).__name__
        raise TypeError(f"a {what} cannot be pickled or copied: it belongs to this process. {self._instead}")
