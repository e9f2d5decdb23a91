"""The callables of a program as callbacks of the library.

The library calls them on its own threads. There is one C function for each kind. What a call belongs to comes as
``user_data``, which is a number. The library does not keep what it stands for: the client or the download does, so that
a callable may refer to them, and they are collected all the same. The library may still call when they are gone, until
it has freed them: then nothing is called, and the library's own default is the answer.

Nothing may leave a callback. What a callable raises is logged and, where the library takes an answer, becomes it.
"""

from __future__ import annotations

import functools
import itertools
import sys
import weakref
from typing import TYPE_CHECKING, Any, Callable

from . import _log, records
from ._native import CData, ffi, lib
from ._text import encoded
from .credentials import unix_milliseconds
from .enums import RETRY_DEFAULT, RETRY_STOP

if TYPE_CHECKING:
    from .errors import OssResumableError


class Callables:
    """The callables of one client or download, and what one of them has raised last."""

    __slots__ = ("__weakref__", "_raised", "calls")

    def __init__(self, **calls: Callable[..., Any] | None) -> None:
        self.calls = calls
        self._raised: tuple[str, BaseException] | None = None

    def raised(self, what: str, exception: BaseException, told: str | None = None) -> str:
        """Logs what a callable has raised, and returns it as one line.

        An error whose message contains `told`, or else that line, has the exception as its cause.
        """
        line = f"{type(exception).__name__}: {' '.join(str(exception).split())}".replace("\0", "")
        self._raised = (told or line, exception)
        _log.exception(f"{what} has raised an exception", exception)
        return line

    def explain(self, error: OssResumableError) -> OssResumableError:
        """The error, with the exception of the callable that it comes from as its cause."""
        if self._raised is not None and self._raised[0] in error.message:
            error.__cause__ = self._raised[1]
        return error


#: What the library refers to, by number.
_live: weakref.WeakValueDictionary[int, Callables] = weakref.WeakValueDictionary()


class _Gone(Callables):
    """In the place of callables that are gone: what should give an answer fails, and nobody is told."""

    __slots__ = ()

    def raised(self, what: str, exception: BaseException, told: str | None = None) -> str:
        return "its client is gone"


_GONE = _Gone(log=lambda _level, _line: None, trace=lambda _: None, retry_decision=lambda _: None)
_numbers = itertools.count(1)


def user_data(callables: Callables) -> CData:
    """A pointer that stands for the callables as long as their client or download lives."""
    number = next(_numbers)
    _live[number] = callables
    return ffi.cast("void *", number)


def _of(pointer: CData) -> Callables:
    return _live.get(int(ffi.cast("uintptr_t", pointer)), _GONE)


def is_inside() -> bool:
    """Whether this thread is in a callback. It must not wait for the library's threads then: it may be one of them."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals is not globals():
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None


# Callbacks are made when they are first needed: each needs executable memory.


@functools.cache
def log() -> CData:
    """Passes log lines on."""

    def call(level: int, message: CData, pointer: CData) -> None:
        callables = _of(pointer)
        try:
            (callables.calls["log"] or _log.line)(level, ffi.string(message).decode("utf-8", "replace"))
        except BaseException as exception:
            callables.raised("log", exception)

    return ffi.callback("oss_resumable_log", call)


@functools.cache
def trace() -> CData:
    """Passes records of requests on."""

    def call(record: CData, pointer: CData) -> None:
        callables = _of(pointer)
        try:
            callables.calls["trace"](records.trace_record(record))  # type: ignore[misc]
        except BaseException as exception:
            callables.raised("trace", exception)

    return ffi.callback("oss_resumable_trace", call)


@functools.cache
def retry_decision() -> CData:
    """Asks whether a failed attempt is retried. A callable that fails ends the download."""

    def call(attempt: CData, pointer: CData) -> int:
        callables = _of(pointer)
        failed = records.failed_attempt(attempt)
        try:
            decided = callables.calls["retry_decision"](failed)  # type: ignore[misc]
            if decided is None:
                return RETRY_DEFAULT
            return int(decided) if decided < 0 else int(decided * 1000)
        except BaseException as exception:
            callables.raised("retry_decision", exception, failed.message)
            return RETRY_STOP

    return ffi.callback("oss_resumable_retry_decision", call)


def _ask(
    callables: Callables, what: str, fail: Callable[[CData, bytes], int], sink: CData, answer: Callable[[], None]
) -> None:
    """Gives the sink an answer, or what was raised instead."""
    try:
        answer()
    except BaseException as exception:
        fail(sink, callables.raised(what, exception).encode("utf-8", "replace"))


def _accepted(code: int, what: str) -> None:
    if code:
        raise ValueError(f"the library refused {what}")


@functools.cache
def credentials_provider() -> CData:
    """Asks for credentials."""

    def call(sink: CData, pointer: CData) -> None:
        callables = _of(pointer)

        def answer() -> None:
            key = callables.calls["credentials_provider"]()  # type: ignore[misc]
            token = ffi.NULL if key.security_token is None else encoded("security_token", key.security_token)
            code = lib.oss_resumable_credentials_set(
                sink,
                encoded("access_key_id", key.access_key_id),
                encoded("access_key_secret", key.access_key_secret),
                token,
                unix_milliseconds(key.expires),
            )
            _accepted(code, "the credentials")

        _ask(callables, "credentials_provider", lib.oss_resumable_credentials_fail, sink, answer)

    return ffi.callback("oss_resumable_credentials_provider", call)


@functools.cache
def url_provider() -> CData:
    """Asks for a new URL."""

    def call(sink: CData, pointer: CData) -> None:
        callables = _of(pointer)

        def answer() -> None:
            url = callables.calls["url_provider"]()  # type: ignore[misc]
            _accepted(lib.oss_resumable_url_set(sink, encoded("url", url)), "the URL")

        _ask(callables, "url_provider", lib.oss_resumable_url_fail, sink, answer)

    return ffi.callback("oss_resumable_url_provider", call)


@functools.cache
def key_unwrapper() -> CData:
    """Asks for a content key."""

    def call(sink: CData, wrapped: CData, pointer: CData) -> None:
        callables = _of(pointer)

        def answer() -> None:
            key, iv = callables.calls["key_unwrapper"](records.wrapped_key(wrapped))  # type: ignore[misc]
            # A wrong size is an answer too, and the download fails with words about it.
            lib.oss_resumable_content_key_set(sink, bytes(key), len(key), bytes(iv), len(iv))

        _ask(callables, "key_unwrapper", lib.oss_resumable_content_key_fail, sink, answer)

    return ffi.callback("oss_resumable_key_unwrapper", call)
