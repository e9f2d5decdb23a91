"""The client: endpoint, credentials, connection settings, and the threads that serve downloads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, overload

import oss_resumable

from . import _callbacks
from ._fields import Seconds, integer
from ._handle import Handle, Unpicklable
from ._native import CData, ffi, lib
from ._text import StrPath, encoded
from ._typing import Self, Unpack
from .checkpoint import discard, inspect
from .download import Download, Progress
from .errors import OssResumableError, check_error
from .listing import Listing
from .many import OnEnd, download_many
from .options import ClientOptions, PreparedOptions
from .prefix import PrefixDownload, PrefixOptions, PrefixProgress, PrefixResult
from .records import Checkpoint
from .request import DownloadOptions, Prepared, Request
from .result import Result


class Client(Unpicklable):
    """Endpoint, region, credentials and connection settings, and the threads that serve downloads.

    Thread-safe: create one and share it. Its threads start with the first download. Close it, or use it in a ``with``
    statement: that cancels its downloads and listings, keeps their checkpoints, and ends its threads. The same happens
    when the program ends, which waits up to 10 seconds for callables that do not return; from then on, new clients,
    downloads and listings are refused with :class:`RuntimeError`. It also happens, without being waited for, when the
    client is collected; its callables may refer to it. In a forked child its methods raise :class:`ForkedError`.

    `endpoint` is ``[http[s]://]host[:port]``; without one, the client only downloads from URLs. The other arguments are
    those of :class:`ClientOptions <oss_resumable.ClientOptions>`.
    """

    __slots__ = ("__weakref__", "_callables", "_handle")

    def __init__(self, endpoint: str | None = None, **options: Unpack[ClientOptions]) -> None:
        prepared = PreparedOptions({"endpoint": endpoint, **options})
        self._callables = prepared.callables
        self._handle = Handle(
            "client",
            "oss_resumable_client",
            lib.oss_resumable_client_free,
            lambda out, error: lib.oss_resumable_client_new(prepared.struct(), out, error),
            has_own_thread=True,
        )

    # Downloads

    def download(
        self,
        bucket: str | None = None,
        key: str | None = None,
        file_path: StrPath | None = None,
        *,
        progress: Progress | None = None,
        **options: Unpack[DownloadOptions],
    ) -> Result:
        """Downloads an object to a file, and returns when the file is there, complete and verified.

        Resumes an earlier run if `checkpoint_dir` or `enable_checkpoint` is set. Without `file_path` the file gets the
        last segment of the key as its name, in the current directory. The other arguments are those of
        :class:`DownloadOptions <oss_resumable.DownloadOptions>`.

        `progress` is called with a :class:`Status <oss_resumable.Status>` on this thread, about ten times a second and
        at the end. What it raises cancels the download and is raised here. Ctrl-C cancels the download within 100 ms.
        The checkpoint is kept in both cases.

        Raises the :class:`OssResumableError` with which the download has failed. The file is then unchanged.
        """
        with self.start(bucket, key, file_path, progress=progress, **options) as download:
            return download.wait()

    def start(
        self,
        bucket: str | None = None,
        key: str | None = None,
        file_path: StrPath | None = None,
        *,
        progress: Progress | None = None,
        **options: Unpack[DownloadOptions],
    ) -> Download:
        """Starts a download as :meth:`download` does, and returns immediately with a handle to it.

        If the client runs as many downloads as it may, the download is queued. `progress` is called only while a thread
        is in :meth:`Download.wait <oss_resumable.Download.wait>`.
        """
        prepared = Prepared({"bucket": bucket, "key": key, "file_path": file_path, **options})
        return Download(self, prepared, progress)

    @overload
    def download_many(
        self,
        requests: Iterable[Request],
        *,
        return_exceptions: Literal[False] = False,
        on_end: OnEnd | None = None,
    ) -> list[Result]: ...

    @overload
    def download_many(
        self, requests: Iterable[Request], *, return_exceptions: bool, on_end: OnEnd | None = None
    ) -> list[Result | OssResumableError]: ...

    def download_many(
        self, requests: Iterable[Request], *, return_exceptions: bool = False, on_end: OnEnd | None = None
    ) -> Any:
        """Downloads any number of objects, and returns their results in the order of the requests.

        All are started at once, and the client queues those that it may not run yet; no thread is needed for each. The
        first failure cancels the others and is raised; with `return_exceptions` nothing is cancelled, and the error
        takes the place of the result: a :class:`ValidationError` also for an argument that is a ``TypeError`` or
        ``ValueError`` elsewhere. `on_end` is called on this thread with the number of each download that has
        ended, from 0, and its result or error; what it raises cancels the others, too. Ctrl-C cancels all within 100
        ms.
        """
        return download_many(self, requests, return_exceptions, on_end)

    async def download_async(
        self,
        bucket: str | None = None,
        key: str | None = None,
        file_path: StrPath | None = None,
        *,
        progress: Progress | None = None,
        **options: Unpack[DownloadOptions],
    ) -> Result:
        """As :meth:`download`, for ``asyncio``: waits on the running event loop, without a thread.

        A task that is cancelled cancels the download and waits for its end; its checkpoint is kept. `progress` is
        called on the event loop.
        """
        async with self.start_async(bucket, key, file_path, progress=progress, **options) as download:
            return await download

    def start_async(
        self,
        bucket: str | None = None,
        key: str | None = None,
        file_path: StrPath | None = None,
        *,
        progress: Progress | None = None,
        **options: Unpack[DownloadOptions],
    ) -> oss_resumable.AsyncDownload:
        """Starts a download on the running event loop, and returns immediately.

        ``await`` gives its result, ``async for`` its progress; ``async with`` cancels it at the end of the block.
        """
        from .aio import AsyncDownload

        return AsyncDownload(self, {"bucket": bucket, "key": key, "file_path": file_path, **options}, progress)

    # Checkpoints

    def inspect_checkpoint(
        self,
        bucket: str | None = None,
        key: str | None = None,
        file_path: StrPath | None = None,
        **options: Unpack[DownloadOptions],
    ) -> Checkpoint | None:
        """Reads the checkpoint of the download that the arguments describe, those of :meth:`download`.

        ``None`` when there is none to resume from. Sends nothing and changes nothing.
        """
        return inspect(self, Prepared({"bucket": bucket, "key": key, "file_path": file_path, **options}))

    def discard_checkpoint(
        self,
        bucket: str | None = None,
        key: str | None = None,
        file_path: StrPath | None = None,
        **options: Unpack[DownloadOptions],
    ) -> bool:
        """Removes the checkpoint of the download that the arguments describe, and its temporary file.

        Returns whether there was one. Raises :class:`BusyError` while a download is using them.
        """
        return discard(self, Prepared({"bucket": bucket, "key": key, "file_path": file_path, **options}))

    # Listings and prefixes

    def list_objects(
        self,
        bucket: str,
        prefix: str | None = None,
        *,
        delimiter: str | None = None,
        start_after: str | None = None,
        deadline: Seconds | None = None,
        max_keys: int | None = None,
        requester_pays: bool | None = None,
    ) -> Listing:
        """Lists the objects of a bucket whose keys begin with `prefix`.

        Returns an iterator of :class:`ObjectEntry <oss_resumable.ObjectEntry>`, which has one page in memory at a time.
        With `delimiter`, keys that contain it behind the prefix are listed once, by what they have in common.
        `start_after`: only keys behind this one. `max_keys`: entries in one page. `deadline`: longest time for all
        pages; 0 or −1: no limit. The arguments are the fields of ``oss_resumable_list_request``.
        """
        options = {
            "bucket": bucket,
            "prefix": prefix,
            "delimiter": delimiter,
            "start_after": start_after,
            "deadline": deadline,
            "max_keys": max_keys,
            "requester_pays": requester_pays,
        }
        return Listing(self, options)

    def download_prefix(
        self,
        bucket: str,
        prefix: str | None,
        directory: StrPath,
        *,
        progress: PrefixProgress | None = None,
        **options: Unpack[PrefixOptions],
    ) -> PrefixResult:
        """Downloads every object whose key begins with `prefix` into a directory, which must exist.

        A later call fetches only what is missing or has changed. An object that fails does not stop the others: the
        result tells what became of each. The other arguments are those of
        :class:`PrefixOptions <oss_resumable.PrefixOptions>`. `progress` is called with a
        :class:`PrefixStatus <oss_resumable.PrefixStatus>` as in :meth:`download`.
        """
        with self.start_prefix(bucket, prefix, directory, progress=progress, **options) as download:
            return download.wait()

    def start_prefix(
        self,
        bucket: str,
        prefix: str | None,
        directory: StrPath,
        *,
        progress: PrefixProgress | None = None,
        **options: Unpack[PrefixOptions],
    ) -> PrefixDownload:
        """Starts a prefix download as :meth:`download_prefix` does, and returns immediately with a handle to it."""
        return PrefixDownload(self, {"bucket": bucket, "prefix": prefix, "directory": directory, **options}, progress)

    async def download_prefix_async(
        self,
        bucket: str,
        prefix: str | None,
        directory: StrPath,
        *,
        progress: PrefixProgress | None = None,
        **options: Unpack[PrefixOptions],
    ) -> PrefixResult:
        """As :meth:`download_prefix`, for ``asyncio``, in the way of :meth:`download_async`."""
        async with self.start_prefix_async(bucket, prefix, directory, progress=progress, **options) as download:
            return await download

    def start_prefix_async(
        self,
        bucket: str,
        prefix: str | None,
        directory: StrPath,
        *,
        progress: PrefixProgress | None = None,
        **options: Unpack[PrefixOptions],
    ) -> oss_resumable.AsyncPrefixDownload:
        """Starts a prefix download on the running event loop, in the way of :meth:`start_async`."""
        from .aio import AsyncPrefixDownload

        return AsyncPrefixDownload(
            self, {"bucket": bucket, "prefix": prefix, "directory": directory, **options}, progress
        )

    # Settings

    def set_region(self, region: str) -> None:
        """Replaces the region for requests signed from now on, including those of running downloads."""
        self._call(lib.oss_resumable_client_set_region, encoded("region", region))

    def set_credentials(self, access_key_id: str, access_key_secret: str, security_token: str | None = None) -> None:
        """Replaces the credentials, whatever their kind, for requests signed from now on."""
        self._call(
            lib.oss_resumable_client_set_credentials,
            encoded("access_key_id", access_key_id),
            encoded("access_key_secret", access_key_secret),
            ffi.NULL if security_token is None else encoded("security_token", security_token),
        )

    def set_bandwidth(self, bytes_per_second: int) -> None:
        """Sets the bandwidth limit over all downloads of the client, in body bytes per second. 0: no limit."""
        self._call(lib.oss_resumable_client_set_bandwidth, integer("bytes_per_second", bytes_per_second, "uint64_t"))

    def set_max_connections(self, connections: int) -> None:
        """Sets the largest number of requests in flight, over all downloads of the client. 0: the default."""
        self._call(lib.oss_resumable_client_set_max_connections, integer("connections", connections, "uint32_t"))

    def pause(self) -> None:
        """Pauses the downloads of the client, and those that are started from now on. Returns immediately."""
        self._call(lib.oss_resumable_client_pause)

    def resume(self) -> None:
        """Ends :meth:`pause`. Downloads that have been paused individually stay paused."""
        self._call(lib.oss_resumable_client_resume)

    def disable_requests(self) -> None:
        """Ends the client's downloads with :class:`DisabledError`, and refuses new ones. Checkpoints are kept."""
        self._call(lib.oss_resumable_client_disable_requests)

    def enable_requests(self) -> None:
        """Allows downloads and listings again after :meth:`disable_requests`."""
        self._call(lib.oss_resumable_client_enable_requests)

    def _call(self, function: CData, *arguments: Any) -> None:
        error = ffi.new("oss_resumable_error **")
        check_error(function(self._handle.pointer(), *arguments, error), error)

    # Lifetime

    def close(self) -> None:
        """Cancels the client's downloads and listings, and waits for its threads to end. Checkpoints are kept.

        Waits for callables of the program that are running, and for calls of other threads for this client, too. Ctrl-C
        ends the wait, and the client ends all the same. Called by one of its callables, it does not wait.
        """
        self._handle.drop()
        if not _callbacks.is_inside():
            self._handle.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        import asyncio
        from concurrent.futures import ThreadPoolExecutor

        # Not the loop's own executor, in which listings may be waiting for the client to end.
        executor = ThreadPoolExecutor(1, "oss_resumable close")
        try:
            await asyncio.get_running_loop().run_in_executor(executor, self.close)
        finally:
            executor.shutdown(wait=False)
