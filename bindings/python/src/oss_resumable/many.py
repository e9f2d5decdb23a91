"""Many downloads at once, followed by one thread: the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Union

from ._fields import callable_of, wrong_type
from ._handle import Owned
from ._native import CData, ffi, lib, new
from ._started import explained, until_ended
from .enums import Code, EventKind
from .errors import OssResumableError, ValidationError, taken
from .events import EventQueue
from .request import Prepared, Request
from .result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._callbacks import Callables
    from .client import Client

OnEnd = Callable[[int, Union[Result, OssResumableError]], Any]

_ENDED = int(EventKind.ENDED)
_PLACE = "oss_resumable_download **"


class _Many:
    """The downloads of one call that have not ended."""

    def __init__(self, client: Client, queue: EventQueue) -> None:
        self.client = client
        self.queue = queue
        self.running: dict[int, CData] = {}
        self.callables: dict[int, Callables] = {}
        self._out = ffi.new(_PLACE)
        self._error = ffi.new("oss_resumable_error **")

    def prepared(self, number: int, request: Request) -> Prepared:
        """The request for the library; a ``TypeError`` or ``ValueError`` if it cannot be one."""
        if not isinstance(request, Request):
            raise wrong_type("requests", "Requests", request)
        options = dict(request.options)
        if options.get("event_queue") is not None or options.get("tag") is not None:
            raise TypeError("downloads of download_many have no event_queue and no tag of their own")
        options["event_queue"], options["tag"] = self.queue, number
        return Prepared(options)

    def start(self, number: int, prepared: Prepared) -> OssResumableError | None:
        """Starts a download; returns why it could not be started."""
        if prepared.callables is not None:
            self.callables[number] = prepared.callables
        struct = prepared.struct()
        self._out[0] = ffi.NULL
        try:
            code = lib.oss_resumable_download_start(self.client._handle.pointer(), struct, self._out, self._error)
        finally:
            # Also when an interrupt comes after the start.
            if self._out[0] != ffi.NULL:
                self.running[number] = self._out[0]
        return taken(code, self._error) if code else None

    def outcome(self, number: int, code: int) -> Result | OssResumableError:
        """The result or the error of a download that has ended with this code."""
        download = self.running.pop(number)
        if code == Code.OK:
            # Most programs do not read all results, and fetching one costs more than the rest of this.
            return Result(download=download)
        lib.oss_resumable_download_wait(download, -1, ffi.NULL, self._error)
        lib.oss_resumable_download_free(download)
        return explained(taken(code, self._error), self.client._callables, self.callables.get(number))

    def cancel(self) -> None:
        """Ends what still runs, which is cancelled first, so that all end at the same time.

        An interrupt ends the wait, and all are freed all the same.
        """
        free = lib.oss_resumable_download_free
        downloads = [Owned(ffi.new(_PLACE, one), free).pointer() for one in self.running.values()]
        self.running.clear()
        for download in downloads:
            lib.oss_resumable_download_cancel(download)
        for download in downloads:
            until_ended(lib.oss_resumable_download_wait, download)


def download_many(
    client: Client, requests: Iterable[Request], return_exceptions: bool, on_end: OnEnd | None
) -> list[Any]:
    """See :meth:`Client.download_many`."""
    if on_end is not None:
        callable_of("on_end", on_end)
    outcomes: list[Any] = []

    def ended(number: int, outcome: Result | OssResumableError) -> None:
        outcomes[number] = outcome
        if on_end is not None:
            on_end(number, outcome)
        if isinstance(outcome, OssResumableError) and not return_exceptions:
            raise outcome

    with EventQueue() as queue:
        many = _Many(client, queue)
        try:
            for number, request in enumerate(requests):
                outcomes.append(None)
                error: OssResumableError | None
                try:
                    prepared = many.prepared(number, request)
                except (TypeError, ValueError) as refused:
                    if not return_exceptions:
                        raise
                    error = _validation_error(refused)
                else:
                    error = many.start(number, prepared)
                if error is not None:
                    ended(number, error)
            event = new("oss_resumable_event")
            while many.running:
                queue._next(-1, event)
                if event.kind == _ENDED:
                    ended(event.tag, many.outcome(event.tag, event.code))
        finally:
            many.cancel()
    return outcomes


def _validation_error(refused: Exception) -> ValidationError:
    """The error that takes the place of a result when a request cannot be passed on at all."""
    error = ValidationError(str(refused), code="ValidateError")
    error.__cause__ = refused
    return error
