"""Downloading every object whose key has a prefix."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Callable, TypedDict, overload

from . import prefix_records
from ._fields import Field, Number, Path, Seconds, Switch, Text, Time, filled, named, wrong_type
from ._handle import Unpicklable
from ._native import CData, ffi, lib, new
from ._started import Functions, Started
from ._text import StrPath, decoded_path
from .enums import Code, PrefixPhase
from .errors import check
from .events import EventQueue
from .prefix_records import PrefixCounts, PrefixObject, PrefixStatus
from .request import DownloadOptions, Prepared, Queue

if TYPE_CHECKING:
    from .client import Client

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
    """Longest time for everything. 0 or −1: no limit."""
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
        if not isinstance(value, Mapping):
            raise wrong_type(self.fields[0], "a mapping of DownloadOptions", value)


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
        return prefix_records.prefix_counts(c)

    def failed(self) -> list[PrefixObject]:
        """The objects that could not be downloaded, with their errors."""
        return [one for one in self if one.error is not None] if self.counts.failed else []

    def __len__(self) -> int:
        return self.counts.objects

    @overload
    def __getitem__(self, index: int) -> PrefixObject: ...

    @overload
    def __getitem__(self, index: slice) -> list[PrefixObject]: ...

    def __getitem__(self, index: int | slice) -> PrefixObject | list[PrefixObject]:
        count = len(self)
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(count))]
        number = operator.index(index)
        found = self._object(number + count if number < 0 else number) if -count <= number < count else None
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
        code = lib.oss_resumable_prefix_result_object(self._pointer, index, c)
        if code == Code.END_OF_LIST:
            return None
        check(code)
        return prefix_records.prefix_object(c)


class PrefixDownload(Started[PrefixResult, PrefixStatus]):
    """A prefix download that :meth:`Client.start_prefix <oss_resumable.Client.start_prefix>` has started.

    It is used as a :class:`Download <oss_resumable.Download>`. :meth:`wait` returns a result also if some objects have
    failed: see :meth:`PrefixResult.failed`.
    """

    __slots__ = ()

    _what = "prefix download"
    _kind = "oss_resumable_prefix_download"
    _result_kind = "oss_resumable_prefix_result"
    _functions = Functions(
        lib.oss_resumable_prefix_download_wait,
        lib.oss_resumable_prefix_download_cancel,
        lib.oss_resumable_prefix_download_pause,
        lib.oss_resumable_prefix_download_resume,
        lib.oss_resumable_prefix_download_free,
    )
    _good = (Code.OK, Code.OBJECTS_FAILED)

    def __init__(self, client: Client, options: Mapping[str, Any], progress: PrefixProgress | None) -> None:
        keep: list[Any] = []
        request = filled("oss_resumable_prefix_request", FIELDS, options, keep)
        prepared = Prepared(options.get("objects") or {})

        request.objects = prepared.struct()
        super().__init__(
            client,
            prepared.callables,
            progress,
            lambda out, error: lib.oss_resumable_prefix_download_start(client._handle.pointer(), request, out, error),
        )

    def _result(self, pointer: CData) -> PrefixResult:
        return PrefixResult(pointer)

    def status(self) -> PrefixStatus:
        """The status at this moment. Never waits for the network or the disk."""
        c = new("oss_resumable_prefix_status")
        check(lib.oss_resumable_prefix_download_status(self._handle.pointer(), c))
        return prefix_records.prefix_status(c)

    def _is_end(self, status: PrefixStatus) -> bool:
        return status.phase in (PrefixPhase.SUCCEEDED, PrefixPhase.FAILED)
