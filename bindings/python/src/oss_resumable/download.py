"""A download that runs, or has ended."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Callable

from . import records
from ._handle import Handle, Unpicklable
from ._native import CData, ffi, lib, new
from .enums import Code, Phase
from .errors import OssResumableError, check, taken
from .events import SLICE_MS
from .result import Result

if TYPE_CHECKING:
    from datetime import timedelta

    from typing_extensions import Self

    from ._callbacks import Callables
    from .client import Client
    from .records import Status
    from .request import Prepared

    Progress = Callable[[Status], Any]

_ENDED = (Phase.SUCCEEDED, Phase.FAILED)
#: Time between two calls of a progress callable, in slices of a wait.
_PROGRESS_SLICES = 2


def explained(error: OssResumableError, *all_callables: Callables | None) -> OssResumableError:
    """The error of a download, with the exception of the callable that it comes from as its cause."""
    for callables in all_callables:
        if callables is not None:
            callables.explain(error)
    return error


class Download(Unpicklable):
    """A download that :meth:`Client.start <oss_resumable.Client.start>` has started.

    Thread-safe. Close it, or use it in a ``with`` statement: a download that still runs is then cancelled, and its
    checkpoint is kept. The same happens when it is collected.
    """

    __slots__ = ("__weakref__", "_callables", "_client", "_handle", "_progress", "_progress_lock")

    def __init__(self, client: Client, prepared: Prepared, progress: Progress | None) -> None:
        # The client must not be collected before its download.
        self._client = client
        self._callables = prepared.callables
        self._progress = progress
        self._progress_lock = threading.Lock()
        self._handle = Handle(
            "download",
            "oss_resumable_download",
            lib.oss_resumable_download_free,
            lambda out, error: lib.oss_resumable_download_start(
                client._handle.pointer(), prepared.struct(), out, error
            ),
        )

    def wait(self, timeout: float | timedelta | None = None) -> Result:
        """Waits for the end, at most `timeout` seconds; ``None``: without a limit.

        Returns the result, or raises the :class:`OssResumableError` with which the download has failed;
        :class:`TimeoutError` if it has not ended in time, in which case it goes on. May be called again, and by several
        threads. Ctrl-C ends the wait within 100 ms, and the download goes on until it is closed.

        `progress` of the download runs on this thread. What it raises cancels the download, and is raised by this
        method when the download has ended.
        """
        if timeout is not None and not isinstance(timeout, (int, float)):
            timeout = timeout.total_seconds()
        end = None if timeout is None else time.monotonic() + timeout
        out, error = ffi.new("oss_resumable_result **"), ffi.new("oss_resumable_error **")
        slices = 0
        while True:
            slice_ms = SLICE_MS
            if end is not None:
                slice_ms = max(0, min(SLICE_MS, int((end - time.monotonic()) * 1000) + 1))
            code = lib.oss_resumable_download_wait(self._handle.pointer(), slice_ms, out, error)
            if code != Code.WAIT_TIMEOUT:
                break
            slices += 1
            if slices % _PROGRESS_SLICES == 0:
                self._report()
            if end is not None and time.monotonic() >= end:
                raise TimeoutError("the download has not ended in time")
        result, failure = self._outcome(code, out, error)
        self._report()
        if failure is not None:
            raise failure
        assert result is not None
        return result

    def _outcome(self, code: int, out: CData, error: CData) -> tuple[Result | None, OssResumableError | None]:
        """What a call of oss_resumable_download_wait() that was not too early has returned."""
        if code == Code.OK:
            return Result(out[0]), None
        return None, explained(taken(code, error), self._client._callables, self._callables)

    def _report(self) -> None:
        """Calls `progress`, on one thread at a time, and not after it has seen the end."""
        if self._progress is None or not self._progress_lock.acquire(blocking=False):
            return
        try:
            if self._progress is not None:
                status = self.status()
                progress = self._progress
                if status.phase in _ENDED:
                    self._progress = None
                progress(status)
        except BaseException:
            self._progress = None
            self._cancel_and_wait()
            raise
        finally:
            self._progress_lock.release()

    def _cancel_and_wait(self) -> None:
        pointer = self._handle.pointer()
        lib.oss_resumable_download_cancel(pointer)
        lib.oss_resumable_download_wait(pointer, -1, ffi.NULL, ffi.NULL)

    def status(self) -> Status:
        """The status at this moment. Never waits for the network or the disk."""
        c = new("oss_resumable_status")
        pointer = self._handle.pointer()
        check(lib.oss_resumable_download_status(pointer, c))
        status = records.status(c)
        # A path in it was valid until here.
        del pointer
        return status

    def done(self) -> bool:
        """Whether the download has ended."""
        return self.status().phase in _ENDED

    def cancel(self) -> None:
        """Cancels the download, which then ends with :class:`CancelledError` within 100 ms. Returns immediately.

        The checkpoint, if there is one, is kept. Has no effect on a download that has ended.
        """
        self._call(lib.oss_resumable_download_cancel)

    def pause(self) -> None:
        """Pauses the download. Returns immediately; its connections are closed within a second.

        The files stay locked. The time paused counts against no limit but ``deadline``.
        """
        self._call(lib.oss_resumable_download_pause)

    def resume(self) -> None:
        """Ends :meth:`pause`: the download goes on at its byte, unless its client is paused."""
        self._call(lib.oss_resumable_download_resume)

    def set_bandwidth(self, bytes_per_second: int) -> None:
        """Sets the bandwidth limit of the download, in body bytes per second, from now on. 0: no limit."""
        self._call(lib.oss_resumable_download_set_bandwidth, bytes_per_second)

    def set_priority(self, priority: int) -> None:
        """Changes the priority of the download, which counts while it is queued."""
        self._call(lib.oss_resumable_download_set_priority, priority)

    def _call(self, function: Any, *arguments: Any) -> None:
        check(function(self._handle.pointer(), *arguments))

    def close(self) -> None:
        """Frees the download.

        One that still runs is cancelled, and the call waits for its end; its checkpoint is kept.
        """
        self._handle.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
