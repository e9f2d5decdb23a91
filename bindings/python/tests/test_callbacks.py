"""The callables of a program."""

from __future__ import annotations

import gc
import logging
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

import oss_resumable
from conftest import BUCKET
from oss_resumable import MIN_PART_SIZE, Credentials, LogLevel, RequestEnd, _callbacks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Server

KEY = ("--access-key-id", "id", "--access-key-secret", "secret", "--token", "token")


def test_credentials_are_a_key_or_come_from_a_callable_or_the_environment(
    serve: Callable[..., Server], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(*KEY)
    content = server.put("object")
    key = Credentials("id", "secret", "token", datetime.now(timezone.utc) + timedelta(hours=1))
    for options in (
        {"credentials": key},
        {"credentials": lambda: key},
        {"credentials_provider": lambda: key._replace(expires=time.time() + 3600)},
        {"access_key_id": "id", "access_key_secret": "secret", "security_token": "token"},
        {"credentials": None},
    ):
        monkeypatch.setenv("OSS_ACCESS_KEY_ID", "id" if options == {"credentials": None} else "wrong")
        monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", "secret")
        monkeypatch.setenv("OSS_SESSION_TOKEN", "token")
        with server.client(region="cn-hangzhou", **options) as client:
            assert client.download(BUCKET, "object", target).size == len(content)
    with server.client(region="cn-beijing", credentials=Credentials("wrong", "key")) as client:
        client.set_region("cn-hangzhou")
        client.set_credentials("id", "secret", "token")
        assert client.download(BUCKET, "object", target).size == len(content)
    with pytest.raises(TypeError, match="credentials cannot be combined with access_key_id"):
        server.client(credentials=key, access_key_id="id")


def test_no_secret_is_shown() -> None:
    shown = repr([Credentials("id", "SECRET", "SECRET"), oss_resumable.DecryptionKey("SECRET", "{}")])
    shown += repr(oss_resumable.ContentKey(b"SECRET", b"SECRET"))
    assert "SECRET" not in shown
    assert "id" in shown


def test_an_expired_token_is_renewed_by_the_callable(serve: Callable[..., Server], target: Path) -> None:
    server = serve(*KEY, "--fault", "expired-token@nth:2")
    content = server.put("object", 1_000_000)
    calls = []

    def provider() -> Credentials:
        calls.append(1)
        return Credentials("id", "secret", "token")

    with server.client(region="cn-hangzhou", credentials=provider) as client:
        result = client.download(BUCKET, "object", target, part_size=MIN_PART_SIZE)
    assert target.read_bytes() == content
    assert result.statistics.retries_auth == 1
    assert len(calls) == 2


def test_what_a_provider_raises_becomes_the_error_and_its_cause(
    serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(*KEY)
    server.put("object")

    def provider() -> Credentials:
        raise LookupError("the vault is\nsealed")

    with server.client(region="cn-hangzhou", credentials=provider) as client:
        with pytest.raises(oss_resumable.OssResumableError, match="LookupError: the vault is sealed") as caught:
            client.download(BUCKET, "object", "file")
    assert isinstance(caught.value.__cause__, LookupError)
    assert "credentials_provider has raised an exception" in caplog.text
    assert "Traceback" in caplog.text


class NoTextError(Exception):
    """An exception that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    "raised",
    [
        LookupError(),
        NoTextError(),
        *map(
            LookupError, ("x" * 5000, "tab\tand \x1b[31mred", "surrogate \udcff", "Signature=abc&x=1", "  é\u2028\x85")
        ),
    ],
    ids=["empty", "none", "long", "control", "surrogate", "signature", "blanks"],
)
def test_an_exception_of_a_provider_is_the_cause_whatever_its_text(
    server: Server, target: Path, raised: Exception
) -> None:
    def provider() -> Credentials:
        raise raised

    with server.client(region="cn-hangzhou", credentials=provider) as client:
        with pytest.raises(oss_resumable.OssResumableError, match=type(raised).__name__) as caught:
            client.download(BUCKET, "object", target)
    assert caught.value.__cause__ is raised
    assert not caught.value.message.endswith((" ", ":"))


def test_the_cause_of_an_error_is_not_that_of_an_earlier_one(server: Server, target: Path) -> None:
    answers = iter([ZeroDivisionError("first"), oss_resumable.RETRY_STOP])

    def decide(_: oss_resumable.FailedAttempt) -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    server.stop()
    causes = []
    with server.client(retry_decision=decide) as client:
        for _ in range(2):
            with pytest.raises(oss_resumable.TransportError) as caught:
                client.download(BUCKET, "object", target)
            causes.append(type(caught.value.__cause__))
    assert causes == [ZeroDivisionError, type(None)]


def test_an_answer_and_its_cause_do_not_depend_on_the_handlers_of_the_log(server: Server, target: Path) -> None:
    class Broken(logging.Filter):
        def filter(self, _record: logging.LogRecord) -> bool:
            raise RuntimeError("broken")

    def provider() -> Credentials:
        raise LookupError("sealed")

    broken = Broken()
    logger = logging.getLogger("oss_resumable")
    logger.addFilter(broken)
    try:
        with server.client(region="cn-hangzhou", credentials=provider, trace=print, log=provider) as client:
            with pytest.raises(oss_resumable.OssResumableError, match="LookupError: sealed") as caught:
                client.download(BUCKET, "object", target)
    finally:
        logger.removeFilter(broken)
    assert isinstance(caught.value.__cause__, LookupError)


def test_an_answer_of_a_wrong_type_is_the_error(serve: Callable[..., Server]) -> None:
    server = serve(*KEY)
    with server.client(region="cn-hangzhou", credentials_provider=lambda: "key") as client:
        with pytest.raises(oss_resumable.OssResumableError, match="TypeError: what credentials_provider returns"):
            client.download(BUCKET, "object", "file")
    naive = Credentials("id", "secret", None, datetime(2030, 1, 1))  # noqa: DTZ001
    with server.client(region="cn-hangzhou", credentials_provider=lambda: naive) as client:
        with pytest.raises(oss_resumable.OssResumableError, match="expires has no time zone"):
            client.download(BUCKET, "object", "file")


def test_an_expired_url_is_renewed_by_the_callable(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--fault", "status=403:AccessDenied@nth:2")
    content = server.put("object", 1_000_000)
    url = f"{server.endpoint}/{BUCKET}/object"
    with oss_resumable.Client() as client:
        result = client.download(
            url=url + "?old", file_path=target, url_provider=lambda: url + "?new", part_size=MIN_PART_SIZE
        )
    assert target.read_bytes() == content
    assert result.statistics.retries_auth == 1


def test_what_a_url_provider_raises_becomes_the_error_and_its_cause(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--fault", "status=403:AccessDenied@from:2")
    server.put("object", 1_000_000)

    def provider() -> str:
        raise LookupError("no link")

    url = f"{server.endpoint}/{BUCKET}/object"
    with oss_resumable.Client() as client:
        with pytest.raises(oss_resumable.OssResumableError, match="LookupError: no link") as caught:
            client.download(url=url, file_path=target, url_provider=provider, part_size=MIN_PART_SIZE)
    assert caught.value.code == "UrlProviderError"
    assert isinstance(caught.value.__cause__, LookupError)


def test_a_retry_decision_sees_each_failed_attempt(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--fault", "status=500@times:2")
    content = server.put("object")
    attempts: list[oss_resumable.FailedAttempt] = []

    def decide(attempt: oss_resumable.FailedAttempt) -> float | None:
        attempts.append(attempt)
        return 0.001 if len(attempts) == 1 else None

    with server.client(retry_decision=decide) as client:
        client.download(BUCKET, "object", target)
        assert target.read_bytes() == content
        assert [(one.code, one.status, one.attempts, one.would_retry) for one in attempts] == [
            ("InternalError", 500, 1, True),
            ("InternalError", 500, 2, True),
        ]


def test_a_retry_decision_that_stops_or_raises_ends_the_download(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--fault", "status=500")
    server.put("object")

    def fails(attempt: oss_resumable.FailedAttempt) -> float:
        raise ZeroDivisionError(attempt.code)

    for decide, cause in ((lambda _: oss_resumable.RETRY_STOP, None), (fails, ZeroDivisionError)):
        before = server.requests()
        with server.client(retry_decision=decide) as client:
            with pytest.raises(oss_resumable.ServiceError) as caught:
                client.download(BUCKET, "object", target)
        assert type(caught.value.__cause__) is (cause or type(None))
        assert server.requests(len(before) + 1)[:-1] == before


@pytest.mark.parametrize("delay", [-0.5, -3, float("nan"), float("inf"), 1e17, "5", True, NoTextError])
def test_a_retry_decision_that_is_no_delay_ends_the_download(server: Server, target: Path, delay: Any) -> None:
    calls = []

    def decide(_: oss_resumable.FailedAttempt) -> Any:
        calls.append(1)
        if delay is NoTextError:
            raise NoTextError
        return delay

    server.stop()
    with server.client(retry_decision=decide) as client, pytest.raises(oss_resumable.TransportError) as caught:
        client.download(BUCKET, "object", target)
    assert isinstance(caught.value.__cause__, (TypeError, ValueError, NoTextError))
    assert len(calls) == 1


def test_a_retry_decision_may_be_a_timedelta_or_the_librarys_own(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--fault", "status=500@times:2")
    content = server.put("object")
    answers = iter([timedelta(milliseconds=1), oss_resumable.RETRY_DEFAULT])
    with server.client(retry_decision=lambda _: next(answers)) as client:
        assert client.download(BUCKET, "object", target).size == len(content)
    assert list(answers) == []


def test_log_lines_go_to_logging_at_the_level_of_the_logger(
    server: Server, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.put("object")
    with server.client() as client:
        client.download(BUCKET, "object", target)
    assert caplog.records == []
    with caplog.at_level(logging.INFO, "oss_resumable"), server.client() as client:
        client.download(BUCKET, "object", target)
    infos = len(caplog.records)
    assert {(record.name, record.levelname) for record in caplog.records} == {("oss_resumable", "INFO")}
    with caplog.at_level(logging.DEBUG, "oss_resumable"), server.client(log_level=LogLevel.DEBUG) as client:
        client.download(BUCKET, "object", target)
    assert len(caplog.records) > 2 * infos
    assert any(record.levelname == "DEBUG" for record in caplog.records)


def test_a_log_callable_takes_the_place_of_logging(
    server: Server, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.put("object")
    lines: list[tuple[int, str]] = []
    with server.client(log=lambda level, line: lines.append((level, line))) as client:
        client.download(BUCKET, "object", target)
    assert lines
    assert {level for level, _ in lines} == {LogLevel.INFO}
    assert caplog.records == []


def test_a_trace_has_a_record_for_each_request(server: Server, target: Path) -> None:
    content = server.put("object", 1_000_000)
    traced: list[oss_resumable.TraceRecord] = []
    with server.client(trace=traced.append) as client:
        result = client.download(BUCKET, "object", target, tag=7, part_size=MIN_PART_SIZE)
    assert len(traced) == result.statistics.requests == len(server.requests(len(traced)))
    assert sum(record.bytes for record in traced) == len(content)
    assert {record.tag for record in traced} == {7}
    assert {record.end for record in traced} <= {RequestEnd.COMPLETE, RequestEnd.SHARED}
    assert all(record.start_us <= record.end_us for record in traced)
    assert {record.status for record in traced} == {206}
    assert all(record.peer in server.endpoint for record in traced if record.peer)


def test_what_log_and_trace_raise_is_logged_and_the_download_goes_on(
    server: Server, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = server.put("object")

    def fails(*_: object) -> None:
        raise RuntimeError("broken")

    with server.client(trace=fails, log=fails) as client:
        assert client.download(BUCKET, "object", target).size == len(content)
    assert "trace has raised an exception" in caplog.text
    assert "log has raised an exception" in caplog.text


def test_callables_are_released_with_what_they_belong_to(server: Server, target: Path) -> None:
    server.put("object")
    gc.collect()
    before = len(_callbacks._live)
    with server.client(trace=print, credentials=Credentials("a", "b"), key_unwrapper=print) as client:
        assert len(_callbacks._live) == before + 3
        with pytest.raises(oss_resumable.ValidationError):
            client.download(BUCKET, "object", target, url="http://x/", url_provider=str)
        assert len(_callbacks._live) == before + 3
        url = f"{server.endpoint}/{BUCKET}/object"
        with client.start(url=url, file_path=target, url_provider=str) as download:
            assert len(_callbacks._live) == before + 4
            download.wait()
    del client, download
    assert len(_callbacks._live) == before
    with pytest.raises(oss_resumable.ValidationError):
        server.client(max_attempts=1, anonymous=True, access_key_id="id", access_key_secret="secret", trace=print)
    gc.collect()
    assert len(_callbacks._live) == before
