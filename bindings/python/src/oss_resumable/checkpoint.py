"""Reading and removing the checkpoint of a download."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._native import ffi, lib
from ._text import decoded, decoded_path
from .errors import check_error
from .records import Checkpoint

if TYPE_CHECKING:
    from .client import Client
    from .request import Prepared


def inspect(client: Client, prepared: Prepared) -> Checkpoint | None:
    """See :meth:`Client.inspect_checkpoint`."""
    struct = prepared.struct()
    out, error = ffi.new("oss_resumable_checkpoint **"), ffi.new("oss_resumable_error **")
    code = lib.oss_resumable_checkpoint_inspect(client._handle.pointer(), struct, out, error)
    check_error(code, error)
    c = ffi.gc(out[0], lib.oss_resumable_checkpoint_free)
    if c == ffi.NULL:
        return None
    return Checkpoint(
        decoded_path(lib.oss_resumable_checkpoint_path(c)) or "",
        decoded(lib.oss_resumable_checkpoint_etag(c)) or "",
        decoded(lib.oss_resumable_checkpoint_last_modified(c)),
        lib.oss_resumable_checkpoint_object_size(c),
        lib.oss_resumable_checkpoint_range_start(c),
        lib.oss_resumable_checkpoint_size(c),
        lib.oss_resumable_checkpoint_bytes_recorded(c),
        decoded(lib.oss_resumable_checkpoint_bucket(c)),
        decoded(lib.oss_resumable_checkpoint_key(c)),
        decoded(lib.oss_resumable_checkpoint_version_id(c)),
        decoded(lib.oss_resumable_checkpoint_url(c)),
        decoded_path(lib.oss_resumable_checkpoint_file_path(c)) or "",
    )


def discard(client: Client, prepared: Prepared) -> bool:
    """See :meth:`Client.discard_checkpoint`."""
    struct = prepared.struct()
    discarded, error = ffi.new("int32_t *"), ffi.new("oss_resumable_error **")
    code = lib.oss_resumable_checkpoint_discard(client._handle.pointer(), struct, discarded, error)
    check_error(code, error)
    return bool(discarded[0])
