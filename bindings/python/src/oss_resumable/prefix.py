"""Downloading every object whose key has a prefix."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Callable, TypedDict

from . import records
from ._fields import Field, Number, Path, Switch, Text, Time, filled, named
from ._handle import Handle, Unpicklable
from ._native import CData, ffi, lib, new
from ._text import decoded_path
from .enums import Code, PrefixPhase
from .errors import check, taken
from .events import SLICE_MS
from .request import Prepared, Queue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from typing_extensions import Self

    from ._fields import Seconds
    from ._text import StrPath
    from .client import Client
    from .events import EventQueue
    from .records import PrefixCounts, PrefixObject, PrefixStatus
    from .request import DownloadOptions

    PrefixProgress = Callable[[PrefixStatus], Any]


class PrefixOptions(TypedDict, total=False):
    """The keyword arguments of a prefix download, besides ``bucket``, ``prefix`` and ``directory``.

    Each is the field of ``oss_resumable_prefix_request`` in the C header with the same name.
    """

    manifest_dir: StrPath | None
    """Directory of the manifest and of the checkpoints of unfinished objects; it must exist. Without it,
    ``.oss-resumable`` in the directory."""
    start_after: str | None
    """Only keys behind this one, which need not exist."""
    objects: DownloadOptions | None
    """How each object is downloaded. Limits such as ``thread_num`` and ``max_bandwidth`` are those of one object."""
    deadline: Seconds | None
    """Longest time for everything. −1: no limit."""
    verify: bool | None
    """Read every file that is there already and compare it with its checksums."""
    event_queue: EventQueue | None
    """Takes the events of the prefix download, which reports as one download. Not for ``asyncio``."""
    tag: int | None
    """Any number of 64 bits: each event of the prefix download carries it."""


class _Objects(Field):
    """The options of each download, which :class:`PrefixDownload` adds."""

    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        pass


FIELDS = named(
    Text("bucket"),
    Text("prefix"),
    Path("directory"),
    Path("manifest_dir"),
    Text("start_after"),
    _Objects("objects"),
    Time("deadline_ms"),
    Switch("verify"),
    Queue("event_queue"),
    Number("tag"),
)


class PrefixResult(Unpicklable):
    """What became of the objects: a sequence of :class:`PrefixObject <oss_resumable.PrefixObject>` by key.

    Freed when it is collected.
    """

    __slots__ = ("_pointer",)
    _instead = "Pass on its objects and counts."

    def __init__(self, pointer: CData) -> None:
        self._pointer = ffi.gc(pointer, lib.oss_resumable_prefix_result_free)

    @property
    def directory(self) -> str:
        """Absolute path of the directory, without symbolic links."""
        return decoded_path(lib.oss_resumable_prefix_result_directory(self._pointer)) or ""

    @property
    def counts(self) -> PrefixCounts:
        """How many objects were fetched, found unchanged, and failed."""
        c = new("oss_resumable_prefix_counts")
        check(lib.oss_resumable_prefix_result_counts(self._pointer, c))
        return records.prefix_counts(c)

    def failed(self) -> list[PrefixObject]:
        """The objects that could not be downloaded, with their errors."""
        return [one for one in self if one.error is not None] if self.counts.failed else []

    def __len__(self) -> int:
        return self.counts.objects

    def __getitem__(self, index: int) -> PrefixObject:
        count = len(self)
        found = self._object(index + count if index < 0 else index)
        if found is None:
            raise IndexError(f"there are {count} objects")
        return found

    def __iter__(self) -> Iterator[PrefixObject]:
        index = 0
        while (one := self._object(index)) is not None:
            yield one
            index += 1

    def _object(self, index: int) -> PrefixObject | None:
        c = new("oss_resumable_prefix_object")
        if index < 0:
            return None
        code = lib.oss_resumable_prefix_result_object(self._pointer, index, c)
        if code == Code.END_OF_LIST:
            return None
        check(code)
        return records.prefix_object(c)


class PrefixDownload(Unpicklable):
    """A prefix download that :meth:`Client.start_prefix <oss_resumable.Client.start_prefix>` has started.

    Thread-safe. Close it, or use it in a ``with`` statement: one that still runs is then cancelled; what is complete
    stays, and checkpoints are kept. The same happens when it is collected.
    """

    __slots__ = ("__weakref__", "_callables", "_client", "_handle", "_progress")

    def __init__(
        self,
        client: Client,
        options: Mapping[str, Any],
        progress: PrefixProgress | None,
    ) -> None:
        self._client = client
        self._progress = progress
        prepared = Prepared(options.get("objects") or {})
        self._callables = prepared.callables
        keep: list[Any] = []
        request = filled("oss_resumable_prefix_request", FIELDS, options, keep)

        def start(out: CData, error: CData) -> int:
            pointer = client._handle.pointer()
            request.objects = prepared.struct()
            return int(lib.oss_resumable_prefix_download_start(pointer, request, out, error))

        self._handle = Handle(
            "prefix download", "oss_resumable_prefix_download", lib.oss_resumable_prefix_download_free, start
        )

    def wait(self, timeout: Seconds | None = None) -> PrefixResult:
        """Waits for the end, at most `timeout` seconds, as :meth:`Download.wait <oss_resumable.Download.wait>` does.

        Returns a result also if some objects have failed: see :meth:`PrefixResult.failed`.
        """
        if timeout is not None and not isinstance(timeout, (int, float)):
            timeout = timeout.total_seconds()
        end = None if timeout is None else time.monotonic() + timeout
        out, error = ffi.new("oss_resumable_prefix_result **"), ffi.new("oss_resumable_error **")
        slices = 0
        while True:
            slice_ms = SLICE_MS
            if end is not None:
                slice_ms = max(0, min(SLICE_MS, int((end - time.monotonic()) * 1000) + 1))
            code = lib.oss_resumable_prefix_download_wait(self._handle.pointer(), slice_ms, out, error)
            if code != Code.WAIT_TIMEOUT:
                break
            slices += 1
            if slices % 2 == 0:
                self._report()
            if end is not None and time.monotonic() >= end:
                raise TimeoutError("the prefix download has not ended in time")
        if code not in (Code.OK, Code.OBJECTS_FAILED):
            failure = self._client._callables.explain(taken(code, error))
            self._report()
            raise failure
        result = PrefixResult(out[0])
        self._report()
        return result

    def _report(self) -> None:
        if self._progress is None:
            return
        try:
            self._progress(self.status())
        except BaseException:
            self._progress = None
            pointer = self._handle.pointer()
            lib.oss_resumable_prefix_download_cancel(pointer)
            lib.oss_resumable_prefix_download_wait(pointer, -1, ffi.NULL, ffi.NULL)
            raise

    def status(self) -> PrefixStatus:
        """The status at this moment. Never waits for the network or the disk."""
        c = new("oss_resumable_prefix_status")
        check(lib.oss_resumable_prefix_download_status(self._handle.pointer(), c))
        return records.prefix_status(c)

    def done(self) -> bool:
        """Whether it has ended."""
        return self.status().phase in (PrefixPhase.SUCCEEDED, PrefixPhase.FAILED)

    def cancel(self) -> None:
        """Cancels it; it then ends with :class:`CancelledError`. Returns immediately. What is complete stays."""
        self._call(lib.oss_resumable_prefix_download_cancel)

    def pause(self) -> None:
        """Pauses the downloads of all objects. A listing that has begun is completed. Returns immediately."""
        self._call(lib.oss_resumable_prefix_download_pause)

    def resume(self) -> None:
        """Ends :meth:`pause`."""
        self._call(lib.oss_resumable_prefix_download_resume)

    def _call(self, function: Any) -> None:
        check(function(self._handle.pointer()))

    def close(self) -> None:
        """Frees it. If it is running, cancels it and waits for its end; checkpoints are kept."""
        self._handle.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
