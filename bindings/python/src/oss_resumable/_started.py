"""What downloads and prefix downloads have in common: waiting, progress, control."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Generic, TypeVar

from ._fields import Seconds, callable_of, milliseconds
from ._handle import Handle, Unpicklable
from ._native import CData, ffi
from ._typing import Self
from .enums import Code
from .errors import check, taken
from .events import SLICE_MS

if TYPE_CHECKING:
    from ._callbacks import Callables
    from .client import Client
    from .errors import OssResumableError

R = TypeVar("R")
S = TypeVar("S")

#: Time between two calls of a progress callable, in slices of a wait.
_PROGRESS_SLICES = 4


class Functions:
    """The functions of the library for one kind of downloads."""

    __slots__ = ("cancel", "free", "pause", "resume", "wait")

    def __init__(self, wait: CData, cancel: CData, pause: CData, resume: CData, free: CData) -> None:
        self.wait = wait
        self.cancel = cancel
        self.pause = pause
        self.resume = resume
        self.free = free


class Started(Unpicklable, Generic[R, S]):
    """A download or a prefix download, running or ended."""

    __slots__ = ("__weakref__", "_callables", "_client", "_handle", "_progress", "_progress_lock")

    _what: ClassVar[str]
    _kind: ClassVar[str]
    _result_kind: ClassVar[str]
    _functions: ClassVar[Functions]
    #: Codes with which there is a result.
    _good: ClassVar[tuple[Code, ...]] = (Code.OK,)

    def __init__(
        self,
        client: Client,
        callables: Callables | None,
        progress: Callable[[S], Any] | None,
        start: Callable[[CData, CData], int],
    ) -> None:
        # The client must not be collected before its download.
        self._client = client
        self._callables = callables
        self._progress = None if progress is None else callable_of("progress", progress)
        self._progress_lock = threading.Lock()
        self._handle = Handle(self._what, self._kind, self._functions.free, start)

    def wait(self, timeout: Seconds | None = None) -> R:
        """Waits for the end, at most `timeout` seconds; ``None`` or −1: without a limit; 0: not at all.

        Returns the result, or raises the :class:`OssResumableError` with which the download has failed;
        :class:`TimeoutError` if it has not ended in time, in which case it goes on. May be called again, and by several
        threads. Ctrl-C ends the wait within 100 ms, and the download goes on until it is closed.

        `progress` of the download runs on this thread. What it raises cancels the download, and is raised by this
        method when the download has ended; if it had failed before, with its error as ``__context__``.
        """
        timeout_ms = milliseconds("timeout", timeout)
        end = None if timeout_ms < 0 else time.monotonic() + timeout_ms / 1000
        out, error = ffi.new(self._result_kind + " **"), ffi.new("oss_resumable_error **")
        slices = 0
        while True:
            slice_ms = SLICE_MS
            if end is not None:
                slice_ms = max(0, min(SLICE_MS, int((end - time.monotonic()) * 1000) + 1))
            code = self._functions.wait(self._handle.pointer(), slice_ms, out, error)
            if code != Code.WAIT_TIMEOUT:
                break
            slices += 1
            if slices % _PROGRESS_SLICES == 0:
                self._report()
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"the {self._what} has not ended in time")
        if code in self._good:
            result = self._result(out[0])
            self._report()
            return result
        try:
            raise explained(taken(code, error), self._client._callables, self._callables)
        finally:
            # What `progress` raises here has the failure as its context.
            self._report()

    def _result(self, pointer: CData) -> R:
        """Takes over a result of the library."""
        raise NotImplementedError

    def _report(self) -> None:
        """Calls `progress`, on one thread at a time, and not after it has seen the end."""
        if self._progress is None or not self._progress_lock.acquire(blocking=False):
            return
        try:
            progress = self._progress
            if progress is not None:
                status = self.status()
                if self._is_end(status):
                    self._progress = None
                progress(status)
        except BaseException:
            self._progress = None
            pointer = self._handle.pointer()
            self._functions.cancel(pointer)
            self._functions.wait(pointer, -1, ffi.NULL, ffi.NULL)
            raise
        finally:
            self._progress_lock.release()

    def status(self) -> S:
        """The status at this moment. Never waits for the network or the disk."""
        raise NotImplementedError

    def _is_end(self, status: S) -> bool:
        """Whether a status is that of the end."""
        raise NotImplementedError

    def done(self) -> bool:
        """Whether the download has ended."""
        return self._is_end(self.status())

    def cancel(self) -> None:
        """Cancels the download, which then ends with :class:`CancelledError` within 100 ms. Returns immediately.

        Checkpoints are kept, and so are the complete files of a prefix download. Has no effect after the end.
        """
        self._call(self._functions.cancel)

    def pause(self) -> None:
        """Pauses the download. Returns immediately; its connections are closed within a second.

        The files stay locked. The time paused counts against no limit but ``deadline``.
        """
        self._call(self._functions.pause)

    def resume(self) -> None:
        """Ends :meth:`pause`: the download goes on at its byte, unless its client is paused."""
        self._call(self._functions.resume)

    def _call(self, function: CData, *arguments: Any) -> None:
        check(function(self._handle.pointer(), *arguments))

    def close(self) -> None:
        """Frees the download.

        One that still runs is cancelled, and the call waits for its end, also if other threads are in :meth:`wait`;
        checkpoints are kept. Ctrl-C ends the wait, and the download ends all the same. Called by a callable on one of
        the library's threads, it does not wait.
        """
        pointer = self._handle.drop()
        if pointer is not None:
            self._functions.cancel(pointer)
            until_ended(self._functions.wait, pointer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def until_ended(wait: CData, pointer: CData) -> None:
    """Waits for the end of a download that was cancelled, and can be interrupted."""
    while wait(pointer, SLICE_MS, ffi.NULL, ffi.NULL) == Code.WAIT_TIMEOUT:
        pass


def explained(error: OssResumableError, *all_callables: Callables | None) -> OssResumableError:
    """The error of a download, with the exception of the callable that it comes from as its cause."""
    for callables in all_callables:
        if callables is not None:
            callables.explain(error)
    return error
