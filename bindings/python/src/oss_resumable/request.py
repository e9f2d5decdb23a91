"""What to download, where to, and how: the options of a download."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable, TypedDict, Union

from . import _callbacks
from ._fields import (
    Field,
    Number,
    Pairs,
    Path,
    Seconds,
    Switch,
    Text,
    Texts,
    Time,
    callable_of,
    filled,
    named,
    wrong_type,
)
from ._native import CData
from ._text import StrPath
from ._typing import Unpack
from .enums import Order, Overwrite, WhenBusy, WriteMode
from .events import EventQueue

NamesAndValues = Union[Mapping[str, str], Iterable[tuple[str, str]]]


class DownloadOptions(TypedDict, total=False):
    """The keyword arguments of a download, besides ``bucket``, ``key`` and ``file_path``.

    Each is the field of ``oss_download_object_request`` in the C header with the same name, where its default is. An
    argument that is ``None`` or missing leaves the field at it.
    """

    url: str | None
    """URL of the object, in place of a bucket and a key: presigned, of a CDN, or of any HTTP/1.1 server."""
    url_provider: Callable[[], str] | None
    """Returns a new URL of the same object when the one of the download has expired; called on another thread.

    What it raises ends the download with the code ``UrlProviderError``."""
    checkpoint_dir: StrPath | None
    """Directory of the checkpoint; it must exist. Setting it enables resuming."""
    enable_checkpoint: bool | None
    """Keep a checkpoint and resume from it; in the target's directory without ``checkpoint_dir``."""
    part_size: int | None
    """Part size in bytes: ``MIN_PART_SIZE`` … ``MAX_PART_SIZE``."""
    thread_num: int | None
    """Number of connections: 1 … ``MAX_THREAD_NUM``; with ``auto_concurrency`` the largest number."""
    auto_concurrency: bool | None
    """Let the download find its number of connections, between 1 and ``thread_num``."""
    range_start: int | None
    """Download only a range: its first byte, from 0. Without it, but with ``range_end``, the first byte of the
    object."""
    range_end: int | None
    """Download only a range: its last byte, inclusive. Without it, or with -1, the object's last byte."""
    if_match: Iterable[str] | None
    """Download only if the object has one of these ETags."""
    if_none_match: Iterable[str] | None
    """Download only if the object has none of these ETags."""
    if_modified_since: str | None
    """HTTP date: download only if the object was modified after it."""
    if_unmodified_since: str | None
    """HTTP date: download only if the object was not modified after it."""
    response_content_type: str | None
    """``Content-Type`` with which the service is to reply."""
    response_content_language: str | None
    """``Content-Language`` with which the service is to reply."""
    response_expires: str | None
    """``Expires`` with which the service is to reply."""
    response_cache_control: str | None
    """``Cache-Control`` with which the service is to reply."""
    response_content_disposition: str | None
    """``Content-Disposition`` with which the service is to reply."""
    response_content_encoding: str | None
    """``Content-Encoding`` with which the service is to reply."""
    version_id: str | None
    """Version of the object to download."""
    traffic_limit: int | None
    """Bandwidth limit that the service is asked to apply to each connection, in bits per second: 819200 … 838860800."""
    extra_headers: NamesAndValues | None
    """Additional headers for every request."""
    extra_query: NamesAndValues | None
    """Additional query parameters for every request, such as ``x-oss-process``."""
    requester_pays: bool | None
    """The requester pays for the traffic."""
    deadline: Seconds | None
    """Longest time for the whole download, its time in the client's queue included. 0 or −1: no limit."""
    max_bandwidth: int | None
    """Bandwidth limit in body bytes per second, over all connections of this download. 0: no limit."""
    overwrite: Overwrite | None
    """What happens to a file that exists."""
    when_busy: WhenBusy | None
    """What to do if another run, of this or another process, downloads to the same file."""
    set_modified_time: bool | None
    """Set the file's modification time from ``Last-Modified``."""
    check_space: bool | None
    """Check the free disk space before writing."""
    preallocate: bool | None
    """Allocate the file's disk blocks before writing."""
    flush: bool | None
    """Flush the file to the disk before success is reported."""
    verify_before_rename: bool | None
    """Read the whole file back and verify it before it is renamed to its target."""
    write_mode: WriteMode | None
    """How the file's bytes get to the disk."""
    order: Order | None
    """Which bytes are fetched first."""
    allow_encrypted: bool | None
    """Download an object that was encrypted on the client side as it is stored, still encrypted."""
    expected_sha256: str | None
    """SHA-256 that the file must have, in hexadecimal digits or base64, or else it is an ``IntegrityError``."""
    expected_md5: str | None
    """MD5 that the file must have, in hexadecimal digits or base64."""
    expected_crc64: str | None
    """CRC-64/XZ that the file must have: a decimal number, or ``0x`` and hexadecimal digits."""
    priority: int | None
    """Downloads with a higher priority start first if the client does not start all at once."""
    event_queue: EventQueue | None
    """Takes the events of the download. Not for ``download_many`` and ``asyncio``, which use queues of their own."""
    tag: int | None
    """Any number of 64 bits: each event of the download and each trace record of its requests carries it."""


class Request:
    """A download for :meth:`Client.download_many <oss_resumable.Client.download_many>`."""

    __slots__ = ("options",)

    def __init__(
        self,
        bucket: str | None = None,
        key: str | None = None,
        file_path: StrPath | None = None,
        **options: Unpack[DownloadOptions],
    ) -> None:
        #: The arguments, by name.
        self.options: dict[str, Any] = {"bucket": bucket, "key": key, "file_path": file_path, **options}

    def __repr__(self) -> str:
        given = ("bucket", "key", "file_path")
        return f"Request({', '.join(repr(self.options[name]) for name in given)})"


class _Range(Number):
    """An end of a range; a range that is not given is the whole object."""

    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        if not struct.has_range:
            struct.has_range = 1
            struct.range_end = -1
        super().set(struct, value, keep)


class Queue(Field):
    """An event queue."""

    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        """Sets the pointer; `keep` keeps the queue from being freed."""
        if not isinstance(value, EventQueue):
            raise wrong_type(self.fields[0], "an EventQueue", value)
        pointer = value._handle.pointer()
        keep.append(pointer)
        struct.event_queue = pointer


class _UrlProvider(Field):
    """A callable, which the library is given last; see :class:`Prepared`."""

    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        callable_of(self.fields[0], value)


FIELDS = named(
    Text("bucket"),
    Text("key"),
    Path("file_path"),
    Text("url"),
    _UrlProvider("url_provider", "url_provider_user_data", "url_provider_user_data_free"),
    Path("checkpoint_dir"),
    Switch("enable_checkpoint"),
    Number("part_size"),
    Number("thread_num"),
    Switch("auto_concurrency"),
    _Range("range_start", "has_range"),
    _Range("range_end", "has_range"),
    Texts("if_match", "if_match_count"),
    Texts("if_none_match", "if_none_match_count"),
    Text("if_modified_since"),
    Text("if_unmodified_since"),
    Text("response_content_type"),
    Text("response_content_language"),
    Text("response_expires"),
    Text("response_cache_control"),
    Text("response_content_disposition"),
    Text("response_content_encoding"),
    Text("version_id"),
    Number("traffic_limit"),
    Pairs("extra_headers", "extra_headers_count"),
    Pairs("extra_query", "extra_query_count"),
    Switch("requester_pays"),
    Time("deadline_ms"),
    Number("max_bandwidth"),
    Number("overwrite"),
    Number("when_busy"),
    Switch("set_modified_time"),
    Switch("check_space"),
    Switch("preallocate"),
    Switch("flush"),
    Switch("verify_before_rename"),
    Number("write_mode"),
    Number("order"),
    Switch("allow_encrypted"),
    Text("expected_sha256"),
    Text("expected_md5"),
    Text("expected_crc64"),
    Number("priority"),
    Queue("event_queue"),
    Number("tag"),
)


class Prepared:
    """A request for the library; :meth:`struct` passes it to one call. The download keeps the callables."""

    __slots__ = ("_keep", "_struct", "callables")

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._keep: list[Any] = []
        self._struct = filled("oss_download_object_request", FIELDS, options, self._keep)
        provider = options.get("url_provider")
        #: The callables of the download, if it has some.
        self.callables = None if provider is None else _callbacks.Callables(url_provider=provider)

    def struct(self) -> CData:
        """The struct, with what stands for the callables."""
        struct = self._struct
        if self.callables is not None:
            struct.url_provider = _callbacks.url_provider()
            struct.url_provider_user_data = _callbacks.user_data(self.callables)
        return struct
