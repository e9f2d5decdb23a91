"""Downloads on an ``asyncio`` event loop: one event queue for each loop, and no thread."""

from __future__ import annotations

import asyncio
import itertools
import weakref
from collections.abc import AsyncIterator, Generator, Mapping
from typing import TYPE_CHECKING, Any, Callable, Generic

from ._callbacks import report
from ._fields import callable_of
from ._started import R, S, Started
from ._typing import Self
from .download import Download
from .enums import EventKind
from .events import EventQueue
from .prefix import PrefixDownload, PrefixResult
from .prefix_records import PrefixStatus
from .records import Status
from .request import Prepared
from .result import Result

if TYPE_CHECKING:
    from .client import Client
    from .download import Progress
    from .prefix import PrefixProgress


class _Watched:
    """What the loop knows of one download; it does not keep the download."""

    __slots__ = ("_download", "_progress", "changed", "ended", "raised", "tag")

    def __init__(self, tag: int, ended: asyncio.Future[None], progress: Callable[[Any], Any] | None) -> None:
        self.tag = tag
        self.ended = ended
        self.changed = asyncio.Event()
        #: What `progress` has raised.
        self.raised: BaseException | None = None
        self._progress = progress
        self._download: weakref.ref[Started[Any, Any]] | None = None

    def watch(self, download: Started[Any, Any]) -> None:
        self._download = weakref.ref(download)

    def tell(self, is_end: bool) -> None:
        """Reports a change of the status, or the end."""
        download = None if self._download is None else self._download()
        if download is not None and self._progress is not None:
            try:
                self._progress(download.status())
            except BaseException as raised:
                self.raised = raised
                self._progress = None
                download.cancel()
                report("progress", raised)
        if is_end and not self.ended.done():
            self.ended.set_result(None)
        self.changed.set()


class _Bridge:
    """Brings the events of a loop's downloads to them. The loop watches the queue's descriptor while some run."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # The loop keeps the bridge; the bridge must not keep the loop.
        self._loop = weakref.ref(loop)
        self.queue = EventQueue()
        self._tags = itertools.count()
        self._watched: dict[int, _Watched] = {}

    def watched(self, progress: Callable[[Any], Any] | None) -> _Watched:
        """Makes the place where the events of a download that is about to start arrive."""
        loop = asyncio.get_running_loop()
        if not self._watched:
            loop.add_reader(self.queue.fileno(), self._read)
        watched = _Watched(next(self._tags), loop.create_future(), progress)
        self._watched[watched.tag] = watched
        return watched

    def forget(self, watched: _Watched) -> None:
        """Removes the place of a download that has ended or was not started."""
        del self._watched[watched.tag]
        loop = self._loop()
        if not self._watched and loop is not None and not loop.is_closed():
            loop.remove_reader(self.queue.fileno())

    def _read(self) -> None:
        while (event := self.queue._next(0)) is not None:
            watched = self._watched.get(event.tag)
            if watched is not None:
                is_end = event.kind == EventKind.ENDED
                if is_end:
                    self.forget(watched)
                watched.tell(is_end)


_bridges: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Bridge] = weakref.WeakKeyDictionary()


def _bridge() -> _Bridge:
    loop = asyncio.get_running_loop()
    bridge = _bridges.get(loop)
    if bridge is None:
        # A loop that ended while downloads ran is kept by what waits for their ends, which nobody tells it any more.
        for other in list(_bridges):
            if other.is_closed():
                del _bridges[other]
        bridge = _bridges[loop] = _Bridge(loop)
    return bridge


class _Async(Generic[R, S]):
    """What downloads and prefix downloads on an event loop have in common."""

    def __init__(
        self,
        options: Mapping[str, Any],
        progress: Callable[[S], Any] | None,
        start: Callable[[dict[str, Any]], Started[R, S]],
    ) -> None:
        if options.get("event_queue") is not None or options.get("tag") is not None:
            raise TypeError("downloads on an event loop have no event_queue and no tag of their own")
        if progress is not None:
            callable_of("progress", progress)
        #: Whether what `progress` has raised was raised.
        self._is_told = False
        bridge = _bridge()
        self._watched = bridge.watched(progress)
        try:
            self._download = start({**options, "event_queue": bridge.queue, "tag": self._watched.tag})
        except BaseException:
            bridge.forget(self._watched)
            raise
        self._watched.watch(self._download)

    def __await__(self) -> Generator[Any, None, R]:
        return self._wait().__await__()

    async def _wait(self) -> R:
        try:
            await asyncio.shield(self._watched.ended)
        except asyncio.CancelledError:
            await self._stop()
            raise
        try:
            return self._download.wait()
        finally:
            # The failure of the download is the context of what `progress` has raised.
            self._raise_progress()

    def _raise_progress(self) -> None:
        """Raises what `progress` has raised."""
        if self._watched.raised is not None:
            self._is_told = True
            raise self._watched.raised

    async def _stop(self) -> None:
        """Cancels the download and waits for its end, also if the task is cancelled meanwhile."""
        self._download.cancel()
        cancelled: asyncio.CancelledError | None = None
        while not self.done():
            try:
                await asyncio.shield(self._watched.ended)
            except asyncio.CancelledError as again:
                cancelled = again
        if cancelled is not None:
            raise cancelled

    async def __aiter__(self) -> AsyncIterator[S]:
        while not self.done():
            await self._watched.changed.wait()
            self._watched.changed.clear()
            if not self.done():
                yield self.status()
        yield self.status()
        self._raise_progress()

    def status(self) -> S:
        """The status at this moment. Never waits for the network or the disk."""
        return self._download.status()

    def done(self) -> bool:
        """Whether the download has ended."""
        return self._watched.ended.done()

    def cancel(self) -> None:
        """Cancels the download, which then ends with :class:`CancelledError <oss_resumable.CancelledError>`."""
        self._download.cancel()

    def pause(self) -> None:
        """Pauses the download; see :meth:`Download.pause <oss_resumable.Download.pause>`."""
        self._download.pause()

    def resume(self) -> None:
        """Ends :meth:`pause`."""
        self._download.resume()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, exception_type: object, *_: object) -> None:
        if not self.done():
            await self._stop()
        self._download.close()
        if exception_type is None and not self._is_told:
            self._raise_progress()


class AsyncDownload(_Async[Result, Status]):
    """A download that :meth:`Client.start_async <oss_resumable.Client.start_async>` has started on an event loop.

    ``await`` it for its result. ``async for status in download`` gives its status when it changes, at most ten times a
    second, and at the end. ``async with`` cancels it at the end of the block if it still runs, and waits for its end.
    What ``progress`` raises cancels the download, and is raised by each of the three and logged with its traceback. A
    download that nobody keeps is cancelled, too. For the thread of its loop only.
    """

    _download: Download

    def __init__(self, client: Client, options: Mapping[str, Any], progress: Progress | None) -> None:
        super().__init__(options, progress, lambda queued: Download(client, Prepared(queued), None))

    def set_bandwidth(self, bytes_per_second: int) -> None:
        """Sets the bandwidth limit of the download, in body bytes per second, from now on. 0: no limit."""
        self._download.set_bandwidth(bytes_per_second)

    def set_priority(self, priority: int) -> None:
        """Changes the priority of the download, which counts while it is queued."""
        self._download.set_priority(priority)


class AsyncPrefixDownload(_Async[PrefixResult, PrefixStatus]):
    """A prefix download that :meth:`Client.start_prefix_async <oss_resumable.Client.start_prefix_async>` has started.

    It is used as an :class:`AsyncDownload`.
    """

    def __init__(self, client: Client, options: Mapping[str, Any], progress: PrefixProgress | None) -> None:
        super().__init__(options, progress, lambda queued: PrefixDownload(client, queued, None))
