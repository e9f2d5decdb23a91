"""The callables of a program as callbacks of the library.

The library calls them on its own threads. There is one C function for each kind. What a call belongs to comes as
``user_data``, which is a number. The library does not keep what it stands for: the client or the download does, so that
a callable may refer to them, and they are collected all the same. The library may still call when they are gone, until
it has freed them: then nothing is called, and the library's own default is the answer.

Nothing may leave a callback. What a callable raises is logged and, where the library takes an answer, becomes it.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import sys
import weakref
from typing import TYPE_CHECKING, Any, Callable

from . import _log, records
from ._fields import milliseconds, wrong_type
from ._native import CData, ffi, lib
from ._text import encoded
from .credentials import Credentials, unix_milliseconds
from .enums import RETRY_STOP

if TYPE_CHECKING:
    from .errors import OssResumableError


#: The library passes on at most 500 characters of a reason.
_MAX_REASON = 400


def one_line(exception: BaseException) -> str:
    """An exception as the library passes it on unchanged: one line of printable characters, and not too long."""
    name = type(exception).__name__
    try:
        text = str(exception)[: 2 * _MAX_REASON]
    except BaseException:
        # It must not take the place of the exception.
        text = ""
    printable = "".join(c if c.isprintable() else " " for c in f"{name}: {text}")
    return " ".join(printable.split()).removesuffix(":")[:_MAX_REASON].rstrip()


def report(what: str, exception: BaseException) -> None:
    """Logs what a callable has raised."""
    # A handler or a filter of the program may fail, and nothing may leave a callback.
    with contextlib.suppress(BaseException):
        _log.exception(f"{what} has raised an exception", exception)


class Callables:
    """The callables of one client or download, and what each of those that give an answer has raised last."""

    __slots__ = ("__weakref__", "_raised", "calls")

    def __init__(self, **calls: Callable[..., Any] | None) -> None:
        self.calls = calls
        self._raised: dict[str, tuple[str, BaseException]] = {}

    def raised(self, what: str, exception: BaseException, told: str | None = None) -> str:
        """Logs what a callable has raised instead of an answer, and returns it as one line.

        An error whose message contains `told`, or else that line as its reason, has the exception as its cause.
        """
        line = one_line(exception)
        self._raised[what] = (told or f": {line}", exception)
        report(what, exception)
        return line

    def answered(self, what: str, told: str) -> None:
        """Forgets what a callable has raised when it was asked the same before."""
        raised = self._raised.get(what)
        if raised is not None and raised[0] == told:
            self._raised.pop(what, None)

    def explain(self, error: OssResumableError) -> OssResumableError:
        """The error, with the exception of the callable that it comes from as its cause."""
        for told, exception in list(self._raised.values()):
            if told in error.message:
                error.__cause__ = exception
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
            report("log", exception)

    return ffi.callback("oss_resumable_log", call)


@functools.cache
def trace() -> CData:
    """Passes records of requests on."""

    def call(record: CData, pointer: CData) -> None:
        callables = _of(pointer)
        try:
            callables.calls["trace"](records.trace_record(record))  # type: ignore[misc]
        except BaseException as exception:
            report("trace", exception)

    return ffi.callback("oss_resumable_trace", call)


@functools.cache
def retry_decision() -> CData:
    """Asks whether a failed attempt is retried. A callable that fails ends the download."""

    def call(attempt: CData, pointer: CData) -> int:
        callables = _of(pointer)
        failed = records.failed_attempt(attempt)
        try:
            decided = callables.calls["retry_decision"](failed)  # type: ignore[misc]
            # `None` and RETRY_DEFAULT are "no limit" as times, with the same number.
            stops = decided == RETRY_STOP
            answer = RETRY_STOP if stops else milliseconds("what retry_decision returns", decided)
        except BaseException as exception:
            callables.raised("retry_decision", exception, failed.message)
            return RETRY_STOP
        callables.answered("retry_decision", failed.message)
        return answer

    # Without `error`, what cannot be passed on would be 0: retry at once.
    return ffi.callback("oss_resumable_retry_decision", call, error=RETRY_STOP)


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
            if not isinstance(key, Credentials):
                raise wrong_type("what credentials_provider returns", "Credentials", key)
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
            # An int would be that many zero bytes for `bytes`, but not for `memoryview`.
            key, iv = bytes(memoryview(key)), bytes(memoryview(iv))
            lib.oss_resumable_content_key_set(sink, key, len(key), iv, len(iv))

        _ask(callables, "key_unwrapper", lib.oss_resumable_content_key_fail, sink, answer)

    return ffi.callback("oss_resumable_key_unwrapper", call)
