"""Resumable, verified downloads of large objects from Alibaba Cloud OSS.

::

    import oss_resumable

    with oss_resumable.Client("https://oss-cn-hangzhou.aliyuncs.com") as client:
        result = client.download("examplebucket", "exampledir/exampleobject.bin", "example.bin", checkpoint_dir=".")
    print(result.size, result.proof.name)

A download fetches one object over several connections and resumes where an earlier run, of this or another process,
stopped. The file appears under its name only after its bytes have been verified.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._native import ffi as _ffi
from ._native import lib as _lib
from .checksum import crc64
from .client import Client
from .credentials import ContentKey, Credentials, DecryptionKey
from .download import Download
from .enums import (
    DEFAULT_MAX_ACTIVE_DOWNLOADS,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_PART_SIZE,
    DEFAULT_THREAD_NUM,
    MAX_PART_SIZE,
    MAX_THREAD_NUM,
    MIN_PART_SIZE,
    RETRY_DEFAULT,
    RETRY_STOP,
    AddressStyle,
    Code,
    EntryKind,
    EventKind,
    LogLevel,
    ObjectOutcome,
    Order,
    Overwrite,
    Phase,
    PrefixPhase,
    Proof,
    ProxyScheme,
    RequestEnd,
    SignatureVersion,
    WhenBusy,
    WriteMode,
)
from .errors import (
    BusyError,
    CancelledError,
    DeadlineError,
    DisabledError,
    ForkedError,
    IntegrityError,
    InternalError,
    LocalIOError,
    ObjectChangedError,
    OssResumableError,
    OutOfMemoryError,
    ServiceError,
    TransportError,
    ValidationError,
)
from .events import EventQueue
from .listing import Listing
from .options import ClientOptions
from .prefix import PrefixDownload, PrefixOptions, PrefixResult
from .prefix_records import PrefixCounts, PrefixObject, PrefixStatus
from .records import (
    Checkpoint,
    Event,
    FailedAttempt,
    ObjectEntry,
    Statistics,
    Status,
    TraceRecord,
    WrappedKey,
)
from .request import DownloadOptions, Request
from .result import Result

if TYPE_CHECKING:
    from .aio import AsyncDownload, AsyncPrefixDownload

__all__ = [
    "DEFAULT_MAX_ACTIVE_DOWNLOADS",
    "DEFAULT_MAX_CONNECTIONS",
    "DEFAULT_PART_SIZE",
    "DEFAULT_THREAD_NUM",
    "MAX_PART_SIZE",
    "MAX_THREAD_NUM",
    "MIN_PART_SIZE",
    "RETRY_DEFAULT",
    "RETRY_STOP",
    "AddressStyle",
    "AsyncDownload",
    "AsyncPrefixDownload",
    "BusyError",
    "CancelledError",
    "Checkpoint",
    "Client",
    "ClientOptions",
    "Code",
    "ContentKey",
    "Credentials",
    "DeadlineError",
    "DecryptionKey",
    "DisabledError",
    "Download",
    "DownloadOptions",
    "EntryKind",
    "Event",
    "EventKind",
    "EventQueue",
    "FailedAttempt",
    "ForkedError",
    "IntegrityError",
    "InternalError",
    "Listing",
    "LocalIOError",
    "LogLevel",
    "ObjectChangedError",
    "ObjectEntry",
    "ObjectOutcome",
    "Order",
    "OssResumableError",
    "OutOfMemoryError",
    "Overwrite",
    "Phase",
    "PrefixCounts",
    "PrefixDownload",
    "PrefixObject",
    "PrefixOptions",
    "PrefixPhase",
    "PrefixResult",
    "PrefixStatus",
    "Proof",
    "ProxyScheme",
    "Request",
    "RequestEnd",
    "Result",
    "ServiceError",
    "SignatureVersion",
    "Statistics",
    "Status",
    "TraceRecord",
    "TransportError",
    "ValidationError",
    "WhenBusy",
    "WrappedKey",
    "WriteMode",
    "crc64",
    "library_version",
]


def library_version() -> str:
    """The versions of the library and of those it uses, such as ``0.1.0 libcurl/8.22.0 OpenSSL/3.5.4``."""
    return str(_ffi.string(_lib.oss_resumable_version()).decode())


def __getattr__(name: str) -> object:
    # asyncio is large, and few programs need it.
    if name in {"AsyncDownload", "AsyncPrefixDownload"}:
        from . import aio

        return getattr(aio, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
