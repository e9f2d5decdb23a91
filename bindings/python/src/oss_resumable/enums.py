"""The named numbers of the C header: ``OSS_RESUMABLE_PHASE_QUEUED`` is ``Phase.QUEUED``."""

from __future__ import annotations

from enum import IntEnum

from ._typing import Self


class _Open(IntEnum):
    """An enumeration that accepts numbers of a newer library; their names are ``UNKNOWN_…``."""

    @classmethod
    def _missing_(cls, value: object) -> Self:
        if not isinstance(value, int):
            raise ValueError(f"{value!r} is not a number of {cls.__name__}")
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member


class Code(_Open):
    """How a call ended: ``OSS_RESUMABLE_OK`` and the codes of failures. See ``OssResumableError.kind``."""

    OK = 0
    WAIT_TIMEOUT = 1
    END_OF_LIST = 2
    OBJECTS_FAILED = 3
    ERR_VALIDATION = 100
    ERR_BUSY = 101
    ERR_FORKED = 102
    ERR_SERVICE = 200
    ERR_TRANSPORT = 201
    ERR_OBJECT_CHANGED = 202
    ERR_INTEGRITY = 203
    ERR_IO = 300
    ERR_OUT_OF_MEMORY = 301
    ERR_CANCELLED = 400
    ERR_DEADLINE = 401
    ERR_DISABLED = 402
    ERR_INTERNAL = 900


class LogLevel(_Open):
    """The level of a log line, and the most verbose one that is passed on."""

    ERROR = 1
    WARN = 2
    INFO = 3
    DEBUG = 4


class RequestEnd(_Open):
    """Why an HTTP request ended; see ``TraceRecord.end``."""

    COMPLETE = 1
    SHARED = 2
    SLOW = 3
    PAUSED = 4
    YIELDED = 5
    STOPPED = 6
    REFUSED = 7
    UNUSABLE = 8
    BROKEN = 9
    STALLED = 10
    FAILED = 11


class SignatureVersion(_Open):
    """``signature_version`` of a client."""

    V1 = 1
    V4 = 4


class AddressStyle(_Open):
    """``address_style`` of a client."""

    AUTO = 0
    PATH = 1
    CNAME = 2


class ProxyScheme(_Open):
    """``proxy_scheme`` of a client."""

    HTTP = 0
    HTTPS = 1


class Overwrite(_Open):
    """``overwrite`` of a download: what happens to a file that exists."""

    REPLACE = 0
    FAIL = 1
    IF_DIFFERENT = 2


class WhenBusy(_Open):
    """``when_busy`` of a download: what to do while another run downloads to the same file."""

    FAIL = 0
    WAIT = 1


class WriteMode(_Open):
    """``write_mode`` of a download: how bytes get to the disk."""

    AUTO = 0
    BUFFERED = 1
    DIRECT = 2


class Order(_Open):
    """``order`` of a download: which bytes are fetched first."""

    DEFAULT = 0
    SEQUENTIAL = 1


class Phase(_Open):
    """What a download is doing."""

    STARTING = 1
    TRANSFERRING = 2
    FINISHING = 3
    SUCCEEDED = 4
    FAILED = 5
    PAUSED = 6
    QUEUED = 7


class EventKind(_Open):
    """What an event reports."""

    STARTED = 1
    PROGRESS = 2
    PAUSED = 3
    ENDED = 4


class PrefixPhase(_Open):
    """What a prefix download is doing."""

    LISTING = 1
    TRANSFERRING = 2
    SUCCEEDED = 3
    FAILED = 4


class EntryKind(_Open):
    """What an entry of a listing is."""

    OBJECT = 1
    COMMON_PREFIX = 2


class ObjectOutcome(_Open):
    """What became of an object of a prefix download."""

    FETCHED = 1
    UNCHANGED = 2
    DIRECTORY = 3
    FAILED = 4


class Proof(_Open):
    """How a file was verified before success was reported."""

    OBJECT_CRC = 1
    GENERATION = 2
    NOT_COMPARED = 3
    EXPECTED_DIGEST = 4


#: What a retry decision returns, instead of a delay in seconds, to apply the library's own policy.
RETRY_DEFAULT = -1
#: What a retry decision returns, instead of a delay in seconds, to give up.
RETRY_STOP = -2

#: ``max_active_downloads`` of a client: the default.
DEFAULT_MAX_ACTIVE_DOWNLOADS = 16
#: ``max_connections`` of a client: the default.
DEFAULT_MAX_CONNECTIONS = 64
#: Smallest ``part_size`` of a download, in bytes.
MIN_PART_SIZE = 102400
#: Largest ``part_size`` of a download, in bytes.
MAX_PART_SIZE = 5368709120
#: ``part_size`` of a download, in bytes: the default.
DEFAULT_PART_SIZE = 8388608
#: ``thread_num`` of a download: the default.
DEFAULT_THREAD_NUM = 3
#: Largest ``thread_num`` of a download.
MAX_THREAD_NUM = 1024
