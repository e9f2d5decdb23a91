"""The result of a successful download."""

from __future__ import annotations

from typing import Any

from ._handle import Unpicklable
from ._native import CData, ffi, lib, new
from ._text import decoded, decoded_path, encoded
from .enums import Proof
from .errors import check, check_error
from .records import Statistics, statistics


class Result(Unpicklable):
    """What a successful download tells. Immutable; several threads may read it. Freed when it is collected."""

    __slots__ = ("_download", "_owned")
    _instead = "Pass on what to_dict() returns."

    def __init__(self, pointer: CData = None, download: CData = None) -> None:
        """Takes over a result, or a download that has succeeded, whose result is fetched when it is read."""
        self._owned = None if pointer is None else ffi.gc(pointer, lib.oss_resumable_result_free)
        self._download = None if download is None else ffi.gc(download, lib.oss_resumable_download_free)

    @property
    def _pointer(self) -> CData:
        while self._owned is None:
            # Another thread may have fetched it meanwhile.
            download = self._download
            if download is not None:
                out, error = ffi.new("oss_resumable_result **"), ffi.new("oss_resumable_error **")
                check_error(lib.oss_resumable_download_wait(download, -1, out, error), error)
                self._owned = ffi.gc(out[0], lib.oss_resumable_result_free)
                self._download = None
        return self._owned

    @property
    def file_path(self) -> str:
        """Absolute path of the file."""
        return decoded_path(lib.oss_resumable_result_file_path(self._pointer)) or ""

    @property
    def size(self) -> int:
        """Size of the file in bytes: the object's size, or the length of the requested range."""
        return int(lib.oss_resumable_result_size(self._pointer))

    @property
    def object_size(self) -> int:
        """Size of the whole object in bytes; of a processed object, the file's size."""
        return int(lib.oss_resumable_result_object_size(self._pointer))

    @property
    def etag(self) -> str | None:
        """The object's ETag, without quotes; a weak one as sent. ``None`` when the service sent none."""
        return decoded(lib.oss_resumable_result_etag(self._pointer))

    @property
    def version_id(self) -> str | None:
        """The version id of the downloaded object; ``None`` for a bucket without versioning."""
        return decoded(lib.oss_resumable_result_version_id(self._pointer))

    @property
    def last_modified(self) -> str | None:
        """The object's ``Last-Modified``, an HTTP date; ``None`` when the service sent none."""
        return decoded(lib.oss_resumable_result_last_modified(self._pointer))

    @property
    def request_id(self) -> str | None:
        """The request id of the first successful reply; ``None`` when the service sent none."""
        return decoded(lib.oss_resumable_result_request_id(self._pointer))

    @property
    def crc64(self) -> int:
        """The CRC-64/XZ of the downloaded bytes, as the service has them: the file's, unless they were decrypted."""
        return int(lib.oss_resumable_result_crc64(self._pointer))

    @property
    def object_crc64(self) -> int | None:
        """The whole object's CRC-64 as sent by the service; ``None`` when it sent none."""
        crc64 = ffi.new("uint64_t *")
        return int(crc64[0]) if lib.oss_resumable_result_object_crc64(self._pointer, crc64) else None

    @property
    def proof(self) -> Proof:
        """How the file was verified."""
        return Proof(lib.oss_resumable_result_proof(self._pointer))

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of the first successful reply, in the service's order and spelling."""
        return [
            (
                decoded(lib.oss_resumable_result_header_name(self._pointer, i)) or "",
                decoded(lib.oss_resumable_result_header_value(self._pointer, i)) or "",
            )
            for i in range(lib.oss_resumable_result_header_count(self._pointer))
        ]

    def header(self, name: str) -> str | None:
        """The value of the first header with this name, compared without regard to case, or ``None``."""
        return decoded(lib.oss_resumable_result_header(self._pointer, encoded("name", name)))

    @property
    def statistics(self) -> Statistics:
        """The statistics of the download."""
        c = new("oss_resumable_statistics")
        check(lib.oss_resumable_result_stats(self._pointer, c))
        return statistics(c)

    def to_json(self) -> str:
        """The result and its statistics as one JSON object, in one line, with the names and units of the C API."""
        text = decoded(lib.oss_resumable_result_json(self._pointer))
        if text is None:
            raise MemoryError("no memory for the result as JSON")
        return text

    def to_dict(self) -> dict[str, Any]:
        """What :meth:`to_json` says, as a ``dict``."""
        import json

        fields: dict[str, Any] = json.loads(self.to_json())
        return fields

    def __repr__(self) -> str:
        return f"<Result {self.file_path!r}, {self.size} bytes, {self.proof.name}>"
