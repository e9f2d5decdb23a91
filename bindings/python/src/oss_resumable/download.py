"""A download that runs, or has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from . import records
from ._fields import integer
from ._native import CData, lib, new
from ._started import Functions, Started
from .enums import Phase
from .errors import check
from .records import Status
from .result import Result

if TYPE_CHECKING:
    from .client import Client
    from .request import Prepared

Progress = Callable[[Status], Any]


class Download(Started[Result, Status]):
    """A download that :meth:`Client.start <oss_resumable.Client.start>` has started.

    Thread-safe. Close it, or use it in a ``with`` statement: a download that still runs is then cancelled, and its
    checkpoint is kept. The same happens, without being waited for, when it is collected.
    """

    __slots__ = ()

    _what = "download"
    _kind = "oss_resumable_download"
    _result_kind = "oss_resumable_result"
    _functions = Functions(
        lib.oss_resumable_download_wait,
        lib.oss_resumable_download_cancel,
        lib.oss_resumable_download_pause,
        lib.oss_resumable_download_resume,
        lib.oss_resumable_download_free,
    )

    def __init__(self, client: Client, prepared: Prepared, progress: Progress | None) -> None:
        struct = prepared.struct()
        super().__init__(
            client,
            prepared.callables,
            progress,
            lambda out, error: lib.oss_resumable_download_start(client._handle.pointer(), struct, out, error),
        )

    def _result(self, pointer: CData) -> Result:
        return Result(pointer)

    def status(self) -> Status:
        """The status at this moment. Never waits for the network or the disk."""
        c = new("oss_resumable_status")
        pointer = self._handle.pointer()
        check(lib.oss_resumable_download_status(pointer, c))
        status = records.status(c)
        # A path in it was valid until here.
        del pointer
        return status

    def _is_end(self, status: Status) -> bool:
        return status.phase in (Phase.SUCCEEDED, Phase.FAILED)

    def set_bandwidth(self, bytes_per_second: int) -> None:
        """Sets the bandwidth limit of the download, in body bytes per second, from now on. 0: no limit."""
        self._call(lib.oss_resumable_download_set_bandwidth, integer("bytes_per_second", bytes_per_second, "uint64_t"))

    def set_priority(self, priority: int) -> None:
        """Changes the priority of the download, which counts while it is queued."""
        self._call(lib.oss_resumable_download_set_priority, integer("priority", priority, "int32_t"))
