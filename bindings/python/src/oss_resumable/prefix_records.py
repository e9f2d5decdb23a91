"""What the library tells of prefix downloads, as :mod:`records <oss_resumable.records>` does of downloads."""

from __future__ import annotations

from typing import NamedTuple

from ._native import CData, ffi
from ._text import decoded, decoded_path
from .enums import ObjectOutcome, PrefixPhase
from .errors import OssResumableError, described


class PrefixStatus(NamedTuple):
    """The status of a prefix download at one moment."""

    objects: int
    """Objects that were listed so far, directory markers included."""
    fetched: int
    """Objects that were fetched, whole or in part."""
    unchanged: int
    """Objects whose files were there and are unchanged."""
    directories: int
    """Directory markers."""
    failed: int
    """Objects that could not be downloaded."""
    active: int
    """Objects whose downloads have started and not ended, those in the client's queue included."""
    bytes_listed: int
    """Sizes of the objects that were listed so far, in bytes, as the listing says."""
    bytes_done: int
    """Bytes of the files that are complete, and of those that are being downloaded."""
    bytes_from_network: int
    """Body bytes of objects received from the network."""
    bytes_per_second: int
    """Body bytes per second received from the network over about the last two seconds; 0 after the end."""
    phase: PrefixPhase
    """What the prefix download is doing."""
    is_paused: bool
    """Whether it is paused."""
    bytes_reused: int
    """Those of ``bytes_done`` that were there already: unchanged files, and what was kept of an earlier run."""


def prefix_status(c: CData) -> PrefixStatus:
    """Copies an ``oss_resumable_prefix_status``."""
    return PrefixStatus(
        c.objects,
        c.fetched,
        c.unchanged,
        c.directories,
        c.failed,
        c.active,
        c.bytes_listed,
        c.bytes_done,
        c.bytes_from_network,
        c.bytes_per_second,
        PrefixPhase(c.phase),
        bool(c.is_paused),
        c.bytes_reused,
    )


class PrefixCounts(NamedTuple):
    """The counts of an ended prefix download."""

    objects: int
    """Objects that were listed, directory markers included."""
    fetched: int
    """Objects that were fetched, whole or in part."""
    unchanged: int
    """Objects whose files were there and are unchanged."""
    directories: int
    """Directory markers."""
    failed: int
    """Objects that could not be downloaded."""
    bytes_listed: int
    """Sizes of the listed objects, in bytes, as the listing says."""
    bytes_done: int
    """Bytes of the files that are complete."""
    bytes_from_network: int
    """Body bytes of objects received from the network."""
    bytes_reused: int
    """Those of ``bytes_done`` that were there already: unchanged files, and what was kept of an earlier run."""


def prefix_counts(c: CData) -> PrefixCounts:
    """Copies an ``oss_resumable_prefix_counts``."""
    return PrefixCounts(
        c.objects,
        c.fetched,
        c.unchanged,
        c.directories,
        c.failed,
        c.bytes_listed,
        c.bytes_done,
        c.bytes_from_network,
        c.bytes_reused,
    )


class PrefixObject(NamedTuple):
    """One object of a prefix download, and what became of it."""

    key: str
    """The whole key. It may contain control characters."""
    path: str | None
    """Absolute path of the file, or of the directory of a marker; ``None`` if the object failed because of its key."""
    error: OssResumableError | None
    """Why the object failed; ``None`` otherwise."""
    size: int
    """Size of the file in bytes; 0 for a directory. Of an object that has failed, that of the listing."""
    result: ObjectOutcome
    """What became of it."""


def prefix_object(c: CData) -> PrefixObject:
    """Copies an ``oss_resumable_prefix_object``."""
    return PrefixObject(
        decoded(c.key) or "",
        decoded_path(c.path),
        None if c.error == ffi.NULL else described(c.error),
        c.size,
        ObjectOutcome(c.result),
    )
