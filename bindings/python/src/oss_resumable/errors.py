"""The exceptions of this package: one class for each ``OSS_RESUMABLE_ERR_…`` code of the C header.

All derive from :class:`OssResumableError`. A wrong type of an argument is a ``TypeError``, and the use of a closed
object a ``ValueError``, as everywhere in Python.
"""

from __future__ import annotations

from typing import Any

from ._native import CData, ffi, lib
from ._text import decoded, decoded_path
from .enums import Code


class OssResumableError(Exception):
    """A call or a download failed.

    The attributes are those of the C API's ``oss_resumable_error``; one that the failure does not have is ``None``.
    """

    #: The kind of failure, a code of the C header.
    kind: Code = Code.ERR_INTERNAL
    #: The service's error code, such as ``NoSuchKey``, or the library's, such as ``ValidateError``.
    code: str
    #: What was attempted, on which object and bytes, why it failed and what to do. One line, without secrets.
    message: str
    #: The HTTP status of a :class:`ServiceError`; 200000 + ``CURLcode`` of a :class:`TransportError`.
    status: int | None
    #: The id of the failed request, by which the service's support can find it.
    request_id: str | None
    #: The host that answered.
    host_id: str | None
    #: The number in the service's error catalogue, such as ``0026-00000001``.
    ec: str | None
    #: The path of the file that a :class:`LocalIOError` or :class:`BusyError` concerns.
    path: str | None
    #: The system's error number of a :class:`LocalIOError`.
    errno: int | None

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int | None = None,
        request_id: str | None = None,
        host_id: str | None = None,
        ec: str | None = None,
        path: str | None = None,
        errno: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.request_id = request_id
        self.host_id = host_id
        self.ec = ec
        self.path = path
        self.errno = errno
        #: The error in the library's words, if it came as an object of the library.
        self._json: str | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def to_dict(self) -> dict[str, Any]:
        """The error with the names of the C API's ``oss_resumable_error_json()``, as a ``dict``. It has no secrets."""
        import json

        if self._json is not None:
            fields: dict[str, Any] = json.loads(self._json)
            return fields
        return {
            "kind": self.kind.name.lower().removeprefix("err_"),
            "kind_number": int(self.kind),
            "code": self.code,
            "message": self.message,
            "status": self.status or 0,
            "request_id": self.request_id,
            "host_id": self.host_id,
            "ec": self.ec,
            "errno": self.errno,
            "path": self.path,
        }

    def to_json(self) -> str:
        """What :meth:`to_dict` says, in one line."""
        import json

        return self._json or json.dumps(self.to_dict(), ensure_ascii=False)

    def __reduce__(self) -> tuple[Any, ...]:
        names = ("code", "status", "request_id", "host_id", "ec", "path", "errno")
        fields = {name: getattr(self, name) for name in names}
        return _restored, (type(self), self.message, fields, self.kind, self._json)


def _restored(
    cls: type[OssResumableError], message: str, fields: dict[str, Any], kind: Code, json: str | None
) -> OssResumableError:
    error = cls(message, **fields)
    error.kind = kind
    error._json = json
    return error


class ValidationError(OssResumableError, ValueError):
    """An argument is wrong. Nothing was sent or written."""

    kind = Code.ERR_VALIDATION


class BusyError(OssResumableError):
    """Another run, of this or another process, is downloading to the same file."""

    kind = Code.ERR_BUSY


class ForkedError(OssResumableError):
    """The object was created in the parent process, and this is a forked child. Create a new client."""

    kind = Code.ERR_FORKED


class ServiceError(OssResumableError):
    """The service answered with an error: see ``status`` and ``code``."""

    kind = Code.ERR_SERVICE


class TransportError(OssResumableError):
    """No usable reply was received: name lookup, connection, TLS or time-out."""

    kind = Code.ERR_TRANSPORT


class ObjectChangedError(OssResumableError):
    """The object was replaced during the download, and again after the download had started over."""

    kind = Code.ERR_OBJECT_CHANGED


class IntegrityError(OssResumableError):
    """The received bytes are not the object's, or the file has not the digest that was expected."""

    kind = Code.ERR_INTEGRITY


class LocalIOError(OssResumableError, OSError):
    """A local file operation failed: see ``errno`` and ``path``. Also an ``OSError``, with ``filename``."""

    kind = Code.ERR_IO

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.filename = self.path
        self.strerror = message


class OutOfMemoryError(OssResumableError, MemoryError):
    """There was no memory for what the call itself allocates."""

    kind = Code.ERR_OUT_OF_MEMORY


class CancelledError(OssResumableError):
    """The download was cancelled; its checkpoint, if it has one, is kept."""

    kind = Code.ERR_CANCELLED


class DeadlineError(OssResumableError):
    """The download took longer than its ``deadline``; the checkpoint, if there is one, is kept."""

    kind = Code.ERR_DEADLINE


class DisabledError(OssResumableError):
    """The requests of the client are disabled; the checkpoint, if there is one, is kept."""

    kind = Code.ERR_DISABLED


class InternalError(OssResumableError):
    """A defect in the library, or a thread that the system could not start."""

    kind = Code.ERR_INTERNAL


_CLASSES: dict[int, type[OssResumableError]] = {
    kind.kind: kind
    for kind in (
        ValidationError,
        BusyError,
        ForkedError,
        ServiceError,
        TransportError,
        ObjectChangedError,
        IntegrityError,
        LocalIOError,
        OutOfMemoryError,
        CancelledError,
        DeadlineError,
        DisabledError,
        InternalError,
    )
}


def described(error: CData) -> OssResumableError:
    """The exception for an error of the library, which stays the caller's."""
    kind = lib.oss_resumable_error_kind(error)
    exception = _CLASSES.get(kind, OssResumableError)(
        decoded(lib.oss_resumable_error_message(error)) or "",
        code=decoded(lib.oss_resumable_error_code(error)) or "",
        status=lib.oss_resumable_error_status(error) or None,
        request_id=decoded(lib.oss_resumable_error_request_id(error)),
        host_id=decoded(lib.oss_resumable_error_host_id(error)),
        ec=decoded(lib.oss_resumable_error_ec(error)),
        path=decoded_path(lib.oss_resumable_error_path(error)),
        errno=lib.oss_resumable_error_errno(error) or None,
    )
    exception.kind = Code(kind)
    exception._json = decoded(lib.oss_resumable_error_json(error))
    return exception


def taken(code: int, error: CData) -> OssResumableError:
    """The exception for a failed call: ``error`` is where the call wrote its error, which is freed."""
    if error[0] == ffi.NULL:
        return plain(code)
    exception = described(error[0])
    lib.oss_resumable_error_free(error[0])
    error[0] = ffi.NULL
    return exception


_WORDS = {
    Code.ERR_FORKED: "this process was forked from the one that created the object; create a new Client here",
    Code.ERR_VALIDATION: "the call was refused",
    Code.ERR_CANCELLED: "the object was freed meanwhile",
}


def plain(code: int) -> OssResumableError:
    """The exception for a failed call that has no error object."""
    name = decoded(lib.oss_resumable_code_name(code)) or ""
    exception = _CLASSES.get(code, OssResumableError)(_WORDS.get(Code(code), f"the call returned {name}"), code=name)
    exception.kind = Code(code)
    return exception


def check(code: int) -> None:
    """Raises the exception of a call that has no error object, unless it succeeded."""
    if code:
        raise plain(code)


def check_error(code: int, error: CData) -> None:
    """Raises the exception of a call that writes an error object, unless it succeeded."""
    if code:
        raise taken(code, error)
