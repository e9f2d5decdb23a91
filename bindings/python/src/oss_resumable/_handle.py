"""Objects of the library that Python owns, and who frees them.

One thread, the reaper, frees downloads, listings and clients: what is closed, and what the garbage collector drops. The
collector may run on any thread and inside any lock of the program, and to free one of these waits for threads that may
want the same lock. So a pointer's destructor only puts it into a queue, without a line of Python, in which an interrupt
would be lost.

When the program ends, nothing new is started, and everything is freed before the interpreter is torn down: a thread of
the library must not call into it afterwards.
"""

from __future__ import annotations

import _thread
import atexit
import functools
import os
import time
import weakref
from queue import SimpleQueue
from typing import Callable, ClassVar

from ._native import CData, ffi
from .errors import check_error

#: The longest time for which the end of the program waits for callables that do not return, in seconds.
EXIT_SECONDS = 10.0


class Owned:
    """An object of the library that is to be freed: where its pointer is, and how."""

    __slots__ = ("_freed", "free", "handle", "has_own_thread", "place")

    def __init__(self, place: CData, free: Callable[[CData], None], has_own_thread: bool = False) -> None:
        self.place = place
        self.free = free
        #: Who has the pointer, for the end of the program.
        self.handle: Callable[[], Handle | None] = lambda: None
        #: Freeing it waits for callables of the program: others must not wait for that.
        self.has_own_thread = has_own_thread
        self._freed = _thread.allocate_lock()
        self._freed.acquire()

    def pointer(self) -> CData:
        """A pointer whose last reference has the reaper free the object."""
        # The function is called with this object and, as the flag `block`, which has no effect, the pointer.
        return ffi.gc(self.place[0], functools.partial(_life.dropped.put, self))

    def reap(self) -> None:
        """Frees the object, on a thread of its own if that may take long."""
        if self.has_own_thread:
            try:
                _thread.start_new_thread(self._end, ())
                return
            except RuntimeError:
                # There is no thread left, or it is too late to start one.
                pass
        self._end()

    def _end(self) -> None:
        self.free(self.place[0])
        self.gone()

    def gone(self) -> None:
        """Tells that there is nothing to free any more."""
        _life.owned.discard(self)
        self._freed.release()

    def wait(self, timeout: float = -1) -> None:
        """Waits until the object is freed, at most `timeout` seconds; can be interrupted (Ctrl-C)."""
        # After a fork, what belongs to the parent is never freed.
        if self in _life.owned and self._freed.acquire(timeout=timeout):
            self._freed.release()


class _Life:
    """What this process has to free."""

    __slots__ = ("dropped", "has_reaper", "is_ending", "owned")

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begins anew, also in a forked child: the parent's objects and its reaper are not in that process."""
        #: What has not been freed. Sets and queues need no lock: each of their operations is atomic.
        self.owned: set[Owned] = set()
        self.dropped: SimpleQueue[Owned] = SimpleQueue()
        self.has_reaper = False
        self.is_ending = False

    def add(self, owned: Owned) -> None:
        """Adds what is about to be made, unless the program ends."""
        if not self.has_reaper:
            # Not joined at the end of the program. If two threads come here, there are two reapers, which does no harm.
            _thread.start_new_thread(_reap, (self.dropped,))
            self.has_reaper = True
        # In this order: either this sees the flag, or the end of the program sees the object.
        self.owned.add(owned)
        if self.is_ending:
            owned.gone()
            raise _ending()


def _reap(dropped: SimpleQueue[Owned]) -> None:
    while True:
        dropped.get().reap()


def _ending() -> RuntimeError:
    return RuntimeError("the interpreter is shutting down")


_life = _Life()
os.register_at_fork(after_in_child=_life.begin)


@atexit.register
def _end() -> None:
    """Frees everything, and waits for it: a call that another thread is in ends with what it uses."""
    _life.is_ending = True
    until = time.monotonic() + EXIT_SECONDS
    # Clients first: they cancel all their downloads at once.
    for owned in sorted(_life.owned, key=lambda owned: not owned.has_own_thread):
        handle = owned.handle()
        if handle is not None:
            handle.drop()
    while _life.owned and time.monotonic() < until:
        for owned in list(_life.owned):
            owned.wait(max(0.0, until - time.monotonic()))


class Handle:
    """Owns an object of the library until it is closed or collected. It is freed then, but not while a call uses it.

    Each call has a reference to the pointer, and the last reference has the object freed. An interrupt cannot come
    between, because all that happens inside cffi.
    """

    __slots__ = ("__weakref__", "_owned", "_pointer", "_what")

    def __init__(
        self,
        what: str,
        kind: str,
        free: Callable[[CData], None],
        make: Callable[[CData, CData], int],
        has_own_thread: bool = False,
    ) -> None:
        self._what = what
        self._pointer: CData | None = None
        place, error = ffi.new(kind + " **"), ffi.new("oss_resumable_error **")
        self._owned = owned = Owned(place, free, has_own_thread)
        owned.handle = weakref.ref(self)
        _life.add(owned)
        try:
            code = make(place, error)
        finally:
            # Also when an interrupt came during the call.
            if place[0] == ffi.NULL:
                owned.gone()
            else:
                self._pointer = owned.pointer()
        check_error(code, error)
        if _life.is_ending:
            self.drop()
            raise _ending()

    def pointer(self) -> CData:
        """The pointer, to be passed to one call: who closes a client waits until nobody has its pointer."""
        pointer = self._pointer
        if pointer is None:
            raise ValueError(f"the {self._what} is closed")
        return pointer

    def is_closed(self) -> bool:
        """Whether it has been closed, after which calls may still use the object."""
        return self._pointer is None

    def drop(self) -> CData | None:
        """Has the object freed as soon as no call uses it. Returns the pointer for the last calls, if it was open."""
        pointer, self._pointer = self._pointer, None
        return pointer

    def wait(self) -> None:
        """Waits until the object is freed."""
        self._owned.wait()


class Unpicklable:
    """A base of objects that refer to the library's memory, which another process does not have."""

    __slots__ = ()

    #: What to do instead of pickling it.
    _instead: ClassVar[str] = "Create a Client in each process."

    def __reduce_ex__(self, protocol: object) -> str:
        what = type(self).__name__
        raise TypeError(f"a {what} cannot be pickled or copied: it belongs to this process. {self._instead}")
