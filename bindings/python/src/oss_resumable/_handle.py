"""Pointers to objects of the library that several threads use and one frees."""

from __future__ import annotations

import threading
import weakref
from typing import Callable, ClassVar

from ._native import CData, ffi


class _Counted:
    """A place for a pointer, the number of calls that use it, and whether it is to be freed after them."""

    __slots__ = ("free", "is_closed", "lock", "out", "users")

    def __init__(self, kind: str, free: Callable[[CData], None]) -> None:
        self.out = ffi.new(kind + " **")
        self.free = free
        self.lock = threading.Lock()
        self.users = 0
        self.is_closed = False

    def close(self) -> None:
        with self.lock:
            self.is_closed = True
            pointer = self._taken()
        self.free(pointer)

    def leave(self) -> None:
        with self.lock:
            self.users -= 1
            pointer = self._taken()
        if pointer != ffi.NULL:
            self.free(pointer)

    def _taken(self) -> CData:
        """The pointer, once, when it is closed and nobody uses it; otherwise NULL, which may be freed too."""
        if self.users or not self.is_closed:
            return ffi.NULL
        pointer, self.out[0] = self.out[0], ffi.NULL
        return pointer


class Handle:
    """Owns a pointer: ``with handle as pointer`` uses it, and :meth:`close` frees it after the last use.

    It is freed also when the handle is collected. The call of the library that makes the object writes it to :attr:`out`,
    so that there is no moment, not even for an interrupt, in which nobody owns it.
    """

    __slots__ = ("__weakref__", "_counted", "_finalizer", "_what")

    def __init__(self, what: str, kind: str, free: Callable[[CData], None]) -> None:
        self._what = what
        self._counted = _Counted(kind, free)
        self._finalizer = weakref.finalize(self, self._counted.close)
        # At exit the clients are closed, which ends everything else; see `client`.
        self._finalizer.atexit = False

    @property
    def out(self) -> CData:
        """Where the library writes the pointer."""
        return self._counted.out

    def __enter__(self) -> CData:
        counted = self._counted
        with counted.lock:
            if counted.is_closed:
                raise ValueError(f"the {self._what} is closed")
            counted.users += 1
            return counted.out[0]

    def __exit__(self, *_: object) -> None:
        self._counted.leave()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._counted.is_closed

    def close(self) -> None:
        """Frees the pointer now, or when the last call that uses it returns."""
        self._finalizer()


class Unpicklable:
    """A base of objects that refer to the library's memory, which another process does not have."""

    __slots__ = ()

    #: What to do instead of pickling it.
    _instead: ClassVar[str] = "Create a Client in each process."

    def __reduce_ex__(self, protocol: object) -> str:
        what = type(self).__name__
        raise TypeError(f"a {what} cannot be pickled or copied: it belongs to this process. {self._instead}")
