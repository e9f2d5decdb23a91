"""What the library tells, as plain tuples with names. They can be kept, compared and pickled.

The fields are those of the C structs. Times are in seconds, and what is unknown is ``None`` instead of −1.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import NamedTuple

from ._native import CData, ffi
from ._text import decoded, decoded_path
from .enums import (
    Code,
    EntryKind,
    EventKind,
    Phase,
    RequestEnd,
)


def _known(number: int) -> int | None:
    return None if number < 0 else number


def _seconds(milliseconds: int) -> float | None:
    return None if milliseconds < 0 else milliseconds / 1000


class Status(NamedTuple):
    """The status of a running or ended download at one moment. The counters never decrease, except ``bytes_done``."""

    bytes_done: int
    """Bytes of the file received so far, including those of an earlier run. Decreases when bytes turn out to be
    wrong."""
    bytes_total: int | None
    """Size of the finished file in bytes; ``None`` until it is known."""
    phase: Phase
    """What the download is doing."""
    active_connections: int
    """Connections that are transferring now."""
    bytes_from_network: int
    """Body bytes received from the network."""
    bytes_reused: int
    """Bytes of an earlier run that were verified and kept."""
    bytes_discarded: int
    """Bytes, received or recorded, that were discarded and fetched again."""
    requests: int
    """HTTP requests sent."""
    connections: int
    """Connections opened."""
    retries: int
    """Repeated requests, for any reason."""
    elapsed: float
    """Seconds since the start; constant after the end."""
    bytes_per_second: int
    """Body bytes per second received from the network over about the last two seconds; 0 after the end."""
    eta: float | None
    """Seconds until the last byte arrives if the rate stays as it is; ``None`` if that is unknown."""
    retries_connect: int
    """Requests repeated because a connection could not be established."""
    retries_broken: int
    """Requests repeated because a connection broke or a body was incomplete."""
    retries_timeout: int
    """Requests repeated because no byte arrived in time."""
    retries_service: int
    """Requests repeated because the service answered 5xx or 429."""
    retries_auth: int
    """Requests repeated because credentials had expired or the clock was wrong."""
    retries_reply: int
    """Requests repeated because the object had changed or a reply was unusable."""
    queue_position: int
    """Place in the queue of the client, 1 for the download that starts next; 0: it is not queued."""
    contiguous_bytes: int
    """Bytes from the start of the file that are in the temporary file and can be read. Only success proves them."""
    contiguous_resets: int
    """Number of times that ``contiguous_bytes`` has decreased; what was read before must then be read again."""
    temp_path: str | None
    """Absolute path of the temporary file; ``None`` until there is one and after success."""


def status(c: CData) -> Status:
    """Copies an ``oss_resumable_status``."""
    return Status(
        c.bytes_done,
        _known(c.bytes_total),
        Phase(c.phase),
        c.active_connections,
        c.bytes_from_network,
        c.bytes_reused,
        c.bytes_discarded,
        c.requests,
        c.connections,
        c.retries,
        c.elapsed_ms / 1000,
        c.bytes_per_second,
        _seconds(c.eta_ms),
        c.retries_connect,
        c.retries_broken,
        c.retries_timeout,
        c.retries_service,
        c.retries_auth,
        c.retries_reply,
        c.queue_position,
        c.contiguous_bytes,
        c.contiguous_resets,
        decoded_path(c.temp_path),
    )


class Event(NamedTuple):
    """One event of an :class:`EventQueue <oss_resumable.EventQueue>`."""

    tag: int
    """``tag`` of the download."""
    kind: EventKind
    """What has happened."""
    code: Code
    """With ``EventKind.ENDED``: ``Code.OK`` if the download succeeded, otherwise the code of the failure."""
    bytes_done: int
    """As in :class:`Status`, when the event was read; with ``EventKind.ENDED``, at the end."""
    bytes_total: int | None
    """As in :class:`Status`."""
    phase: Phase
    """As in :class:`Status`."""
    active_connections: int
    """As in :class:`Status`."""
    bytes_per_second: int
    """As in :class:`Status`."""
    eta: float | None
    """As in :class:`Status`."""
    elapsed: float
    """As in :class:`Status`."""
    contiguous_bytes: int
    """As in :class:`Status`."""
    contiguous_resets: int
    """As in :class:`Status`."""


def event(c: CData) -> Event:
    """Copies an ``oss_resumable_event``."""
    return Event(
        c.tag,
        EventKind(c.kind),
        Code(c.code),
        c.bytes_done,
        _known(c.bytes_total),
        Phase(c.phase),
        c.active_connections,
        c.bytes_per_second,
        _seconds(c.eta_ms),
        c.elapsed_ms / 1000,
        c.contiguous_bytes,
        c.contiguous_resets,
    )


class Statistics(NamedTuple):
    """The statistics of an ended download."""

    bytes_from_network: int
    """Body bytes received from the network."""
    bytes_reused: int
    """Bytes of an earlier run that were verified and kept."""
    bytes_discarded: int
    """Bytes, received or recorded, that were discarded and fetched again."""
    requests: int
    """HTTP requests sent."""
    connections: int
    """Connections opened."""
    retries_connect: int
    """Requests repeated because a connection could not be established."""
    retries_broken: int
    """Requests repeated because a connection broke or a body was incomplete."""
    retries_timeout: int
    """Requests repeated because no byte arrived in time."""
    retries_service: int
    """Requests repeated because the service answered 5xx or 429."""
    retries_auth: int
    """Requests repeated because credentials had expired or the clock was wrong."""
    retries_reply: int
    """Requests repeated because the object had changed or a reply was unusable."""
    elapsed: float
    """Seconds from the call that started the download to its end, including the time in the queue."""
    throttled: float
    """Seconds for which the service asked this download to wait or delayed its replies, over all connections."""


def statistics(c: CData) -> Statistics:
    """Copies an ``oss_resumable_statistics``."""
    return Statistics(
        c.bytes_from_network,
        c.bytes_reused,
        c.bytes_discarded,
        c.requests,
        c.connections,
        c.retries_connect,
        c.retries_broken,
        c.retries_timeout,
        c.retries_service,
        c.retries_auth,
        c.retries_reply,
        c.elapsed_ms / 1000,
        c.throttled_ms / 1000,
    )


class TraceRecord(NamedTuple):
    """One HTTP request that has ended, passed to ``trace`` of a client.

    The requests of one ``slot`` follow each other in time, so that the slots of a download are the lines of a timeline
    of its connections. Times are in microseconds since the client was created, by a clock that is never set.
    """

    tag: int
    """``tag`` of the download."""
    slot: int
    """The connection of the download that the request had: 0 … ``thread_num`` − 1."""
    end: RequestEnd
    """Why it ended."""
    start_us: int
    """When it was handed to a transfer thread."""
    connected_us: int | None
    """When its new connection was ready; ``None`` if it had an open one or got none."""
    first_byte_us: int | None
    """When the first byte of the reply arrived; ``None`` without a reply."""
    end_us: int
    """When the download noticed the end: what was received is stored."""
    range_start: int
    """First byte of the object that was asked for."""
    range_end: int | None
    """Last byte that was asked for; ``None`` if the request had no range or one without an end."""
    bytes: int
    """Bytes of the object that were received, without those that another connection has taken over."""
    status: int | None
    """HTTP status of the reply; ``None`` without one."""
    curl_code: int
    """With ``RequestEnd.BROKEN``: libcurl's ``CURLcode``; otherwise 0."""
    peer: str | None
    """Address and port to which the connection was made, the proxy's if there is one; ``None`` without one."""
    request_id: str | None
    """``x-oss-request-id`` of the reply; ``None`` without one."""
    local_port: int | None
    """Port of this machine from which the connection was made; ``None`` without one."""
    is_reused: bool
    """Whether the connection had been opened for an earlier request."""
    is_head: bool
    """Whether it was a HEAD request instead of a GET request."""


def trace_record(c: CData) -> TraceRecord:
    """Copies an ``oss_resumable_trace_record``."""
    return TraceRecord(
        c.tag,
        c.slot,
        RequestEnd(c.end),
        c.start_us,
        _known(c.connected_us),
        _known(c.first_byte_us),
        c.end_us,
        c.range_start,
        _known(c.range_end),
        c.bytes,
        c.status or None,
        c.curl_code,
        decoded(c.peer),
        decoded(c.request_id),
        c.local_port or None,
        bool(c.is_reused),
        bool(c.is_head),
    )


class FailedAttempt(NamedTuple):
    """A failed attempt, passed to ``retry_decision`` of a client."""

    code: str
    """The error's code, such as ``InternalError`` or ``ClientError:200028``."""
    status: int
    """HTTP status, or 200000 + ``CURLcode``."""
    attempts: int
    """Number of attempts since the last new byte, this one included; at least 1."""
    would_retry: bool
    """Whether the library's own policy would retry."""
    message: str
    """The error's message."""


def failed_attempt(c: CData) -> FailedAttempt:
    """Copies an ``oss_resumable_failed_attempt``."""
    return FailedAttempt(decoded(c.code) or "", c.status, c.attempts, bool(c.would_retry), decoded(c.message) or "")


class WrappedKey(NamedTuple):
    """What the metadata of an encrypted object says of its content key, passed to ``key_unwrapper`` of a client."""

    bucket: str
    """Bucket of the object."""
    key: str
    """Key of the object."""
    wrap_algorithm: str
    """How the content key is wrapped, such as ``KMS/ALICLOUD`` or ``RSA/NONE/PKCS1Padding``."""
    matdesc: str | None
    """Description of the key that wraps it, usually a JSON object of strings; ``None`` without one."""
    description: dict[str, str]
    """The members of that object that are strings, numbers or booleans, as text."""
    encrypted_key: bytes
    """The content key, wrapped; base64 is decoded."""
    encrypted_iv: bytes
    """The initial counter block, wrapped; base64 is decoded."""


def wrapped_key(c: CData) -> WrappedKey:
    """Copies an ``oss_resumable_wrapped_key``."""
    pairs = [c.description[i] for i in range(c.description_count)]
    return WrappedKey(
        decoded(c.bucket) or "",
        decoded(c.key) or "",
        decoded(c.wrap_algorithm) or "",
        decoded(c.matdesc),
        {decoded(pair.name) or "": decoded(pair.value) or "" for pair in pairs},
        bytes(ffi.buffer(c.encrypted_key, c.encrypted_key_size)),
        bytes(ffi.buffer(c.encrypted_iv, c.encrypted_iv_size)),
    )


class ObjectEntry(NamedTuple):
    """One entry of a listing."""

    key: str
    """The key of the object, or the common prefix, as it is in the service. Check it before making a path of it."""
    etag: str | None
    """The ETag without quotes; ``None`` if the service did not send it."""
    storage_class: str | None
    """``Standard``, ``IA``, ``Archive`` …; ``None`` if the service did not send it."""
    object_type: str | None
    """``Normal``, ``Multipart``, ``Appendable`` or ``Symlink``; ``None`` if the service did not send it."""
    restore_info: str | None
    """The state of the restoration of an archived object; ``None`` if the service did not send it."""
    size: int
    """Size of the object in bytes."""
    last_modified: datetime | None
    """When the object was last modified, in UTC; ``None`` if the service did not send it."""
    crc64: int | None
    """CRC-64/XZ of the object; ``None`` if the service did not send it, as OSS itself in listings."""
    kind: EntryKind
    """An object or a common prefix."""


def object_entry(c: CData) -> ObjectEntry:
    """Copies an ``oss_resumable_object_entry``."""
    modified = c.last_modified_ms
    return ObjectEntry(
        decoded(c.key) or "",
        decoded(c.etag),
        decoded(c.storage_class),
        decoded(c.object_type),
        decoded(c.restore_info),
        c.size,
        None if modified < 0 else datetime.fromtimestamp(modified / 1000, timezone.utc),
        c.crc64 if c.has_crc64 else None,
        EntryKind(c.kind),
    )


class Checkpoint(NamedTuple):
    """The contents of a download's checkpoint."""

    path: str
    """Absolute path of the checkpoint file."""
    etag: str
    """The ETag of the object to which the recorded bytes belong, without quotes; a weak one as sent, ``W/"…"``."""
    last_modified: str | None
    """The object's ``Last-Modified``, an HTTP date; ``None`` when the service sent none."""
    object_size: int
    """Size of the whole object in bytes."""
    range_start: int
    """Offset in the object at which the download begins."""
    size: int
    """Size of the finished file in bytes."""
    bytes_recorded: int
    """Bytes recorded as downloaded. They are verified against the disk when the download resumes."""
    bucket: str | None
    """Bucket of the object; ``None`` for a download from a URL."""
    key: str | None
    """Key of the object; ``None`` for a download from a URL."""
    version_id: str | None
    """Version id of the object, as the service said or else the request; ``None`` for a bucket without versioning."""
    url: str | None
    """URL of the object, without its query; ``None`` if bucket and key name the object."""
    file_path: str
    """Absolute path of the file that the download is to create."""
