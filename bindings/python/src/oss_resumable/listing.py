"""Listing the objects of a bucket."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from . import records
from ._fields import Number, Switch, Text, Time, filled, named
from ._handle import Handle, Unpicklable
from ._native import CData, ffi, lib, new
from ._typing import Self
from .enums import Code
from .errors import check, taken
from .records import ObjectEntry

if TYPE_CHECKING:
    from .client import Client

FIELDS = named(
    Text("bucket"),
    Text("prefix"),
    Text("delimiter"),
    Text("start_after"),
    Time("deadline_ms"),
    Number("max_keys"),
    Switch("requester_pays"),
)

#: Entries that are read at once: a page of the service's default size.
_BATCH = 1000


class Listing(Unpicklable):
    """The objects of a bucket, one after the other: an iterator, and for ``asyncio`` an asynchronous one.

    Ctrl-C ends the wait for a page, and the listing. May be used by one thread at a time; :meth:`cancel` by any.
    """

    __slots__ = ("__weakref__", "_batch", "_client", "_entries", "_failure", "_handle", "_is_at_end")

    def __init__(self, client: Client, options: Mapping[str, Any]) -> None:
        self._client = client
        self._entries: deque[ObjectEntry] = deque()
        self._failure: BaseException | None = None
        self._is_at_end = False
        keep: list[Any] = []
        request = filled("oss_resumable_list_request", FIELDS, options, keep)
        self._batch = options["max_keys"] or _BATCH
        self._handle = Handle(
            "listing",
            "oss_resumable_listing",
            lib.oss_resumable_listing_free,
            lambda out, error: lib.oss_resumable_list_objects(client._handle.pointer(), request, out, error),
        )

    def __iter__(self) -> Iterator[ObjectEntry]:
        return self

    def __next__(self) -> ObjectEntry:
        if not self._entries and not self._is_over():
            pointer = self._handle.pointer()
            if threading.current_thread() is threading.main_thread():
                self._read_interruptibly(pointer)
            else:
                self._read(pointer)
        if self._entries:
            return self._entries.popleft()
        raise self._failure or StopIteration

    def __aiter__(self) -> AsyncIterator[ObjectEntry]:
        return self

    async def __anext__(self) -> ObjectEntry:
        if not self._entries and not self._is_over():
            import asyncio

            loop = asyncio.get_running_loop()
            reading = loop.run_in_executor(None, self._read, self._handle.pointer())
            try:
                await asyncio.shield(reading)
            except asyncio.CancelledError:
                self.cancel()
                await reading
                raise
        if self._entries:
            return self._entries.popleft()
        raise self._failure or StopAsyncIteration

    def _is_over(self) -> bool:
        return self._is_at_end or self._failure is not None

    def _read(self, pointer: CData) -> None:
        """Reads some entries. A failure, of whatever kind, is told after the entries before it."""
        try:
            self._read_batch(pointer)
        except BaseException as failure:
            self._failure = failure

    def _read_batch(self, pointer: CData) -> None:
        entry, error = new("oss_resumable_object_entry"), ffi.new("oss_resumable_error **")
        for _ in range(self._batch):
            code = lib.oss_resumable_listing_next(pointer, entry, error)
            if code == Code.OK:
                self._entries.append(records.object_entry(entry))
                continue
            if code == Code.END_OF_LIST:
                self._is_at_end = True
            else:
                self._failure = self._client._callables.explain(taken(code, error))
            return

    def _read_interruptibly(self, pointer: CData) -> None:
        """Reads on another thread: only this one is interrupted, and not while it is inside the library."""
        reader = threading.Thread(target=self._read, args=(pointer,), name="oss_resumable listing")
        reader.start()
        try:
            reader.join()
        except BaseException:
            self.cancel()
            reader.join()
            raise

    def cancel(self) -> None:
        """Cancels the listing: it then ends with :class:`CancelledError`. Returns immediately."""
        check(lib.oss_resumable_listing_cancel(self._handle.pointer()))

    def close(self) -> None:
        """Cancels the listing and frees it, now or when the call that another thread is in returns."""
        pointer = self._handle.drop()
        if pointer is not None:
            lib.oss_resumable_listing_cancel(pointer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
