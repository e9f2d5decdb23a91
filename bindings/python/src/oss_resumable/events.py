"""One place where a thread or an event loop learns of any number of downloads."""

from __future__ import annotations

from collections.abc import Iterator

from . import records
from ._fields import Seconds, milliseconds
from ._handle import Handle, Unpicklable
from ._native import CData, lib, new
from ._typing import Self
from .enums import Code
from .errors import check, plain
from .records import Event

#: The longest time for which a call does not look whether the program was interrupted (Ctrl-C), in milliseconds.
SLICE_MS = 25


class EventQueue(Unpicklable):
    """Collects the events of downloads that are started with ``event_queue``.

    Each download reports a start, progress at most ten times a second, pauses, and as its last event its end.
    Thread-safe: several threads may read, and each event goes to one of them. Iterating it gives the events without an
    end.
    """

    __slots__ = ("__weakref__", "_handle")

    def __init__(self) -> None:
        self._handle = Handle(
            "event queue",
            "oss_resumable_event_queue",
            lib.oss_resumable_event_queue_free,
            lib.oss_resumable_event_queue_new,
        )

    def next(self, timeout: Seconds | None = None) -> Event | None:
        """Takes the next event. Waits for one at most `timeout` seconds; ``None`` or −1: without a limit; 0: not.

        Returns ``None`` if none came in time. Raises :class:`CancelledError` when the queue is closed meanwhile, and
        :class:`ValueError` when it was closed before.
        """
        c = self._next(milliseconds("timeout", timeout))
        return None if c is None else records.event(c)

    def _next(self, timeout_ms: int, c: CData = None) -> CData:
        """As :meth:`next`, but the struct, `c` or a new one. Waits in slices so that the program can be interrupted."""
        c = c or new("oss_resumable_event")
        remaining = timeout_ms
        pointer = self._handle.pointer()
        while True:
            slice_ms = SLICE_MS if remaining < 0 else min(remaining, SLICE_MS)
            code = lib.oss_resumable_event_queue_next(pointer, slice_ms, c)
            if code != Code.WAIT_TIMEOUT:
                check(code)
                return c
            if self._handle.is_closed():
                raise plain(Code.ERR_CANCELLED)
            if remaining >= 0:
                remaining -= SLICE_MS
                if remaining <= 0:
                    return None

    def fileno(self) -> int:
        """A descriptor that is readable while events wait, for ``select``, ``selectors`` and event loops.

        When it is readable, call ``next(0)`` until it returns ``None``. It may also become readable without an event.
        The queue closes it when it is closed itself.
        """
        return int(lib.oss_resumable_event_queue_fd(self._handle.pointer()))

    def close(self) -> None:
        """Frees the queue, now or when the calls that other threads are in return.

        Downloads continue, and their events are discarded.
        """
        self._handle.drop()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        event = self.next()
        assert event is not None
        return event

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
