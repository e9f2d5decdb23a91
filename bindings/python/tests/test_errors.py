"""Exceptions: one class for each code of the C header."""

from __future__ import annotations

import errno
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import oss_resumable
import programs
from conftest import BUCKET
from oss_resumable import errors
from oss_resumable._native import lib
from oss_resumable.enums import Code

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Server


def test_every_error_code_of_the_header_has_a_class_of_its_own() -> None:
    codes = {code for code in Code if code.name.startswith("ERR_")}
    classes = {errors.plain(code).__class__ for code in codes}
    assert {kind.kind for kind in classes} == codes
    assert all(issubclass(kind, oss_resumable.OssResumableError) for kind in classes)


def test_a_code_of_a_newer_library_is_the_base_class() -> None:
    error = errors.plain(12345)
    assert type(error) is oss_resumable.OssResumableError
    assert error.kind == 12345
    assert error.kind.name == "UNKNOWN_12345"


@pytest.mark.parametrize(
    "arguments",
    [
        {"bucket": "UPPER", "key": "k"},
        {"bucket": BUCKET, "key": "/k"},
        {"bucket": BUCKET},
        {"bucket": BUCKET, "key": "k", "part_size": 1},
        {"bucket": BUCKET, "key": "k", "checkpoint_dir": "/nowhere"},
        {"bucket": BUCKET, "key": "k", "expected_md5": "x"},
        {"bucket": BUCKET, "key": "k", "file_path": b"\xff"},
    ],
)
def test_a_wrong_value_is_a_validation_error_and_a_value_error(server: Server, arguments: dict[str, Any]) -> None:
    with server.client() as client, pytest.raises(oss_resumable.ValidationError) as caught:
        client.download(**arguments)
    assert isinstance(caught.value, ValueError)
    assert caught.value.code == "ValidateError"
    assert server.requests() == []


@pytest.mark.parametrize(
    ("arguments", "exception", "words"),
    [
        ({"bucket": 7}, TypeError, "bucket must be str, not int"),
        ({"key": "a\0b"}, ValueError, "key contains a NUL byte"),
        ({"key": "\ud800"}, ValueError, "key contains a surrogate"),
        ({"part_size": "8M"}, TypeError, "part_size"),
        ({"part_size": -1}, ValueError, "part_size is out of range: -1"),
        ({"flush": 1}, TypeError, "flush must be True, False or None, not int"),
        ({"deadline": -2}, ValueError, "deadline must be a number of seconds"),
        ({"if_match": "etag"}, TypeError, "if_match must be a list"),
        ({"url_provider": "http://"}, TypeError, "url_provider must be a callable, not str"),
        ({"colour": "red"}, TypeError, "unexpected keyword argument 'colour'"),
    ],
)
def test_a_wrong_argument_is_named(
    server: Server, arguments: dict[str, Any], exception: type[Exception], words: str
) -> None:
    with server.client() as client, pytest.raises(exception, match=words):
        client.download(**{"bucket": BUCKET, "key": "object", **arguments})


def test_a_local_error_is_an_os_error_with_errno_and_filename(server: Server, target: Path) -> None:
    server.put("object")
    printed = programs.run(
        """
        import resource, sys, oss_resumable
        endpoint, target = sys.argv[1:]
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        client = oss_resumable.Client(endpoint, anonymous=True)
        try:
            client.download("examplebucket", "object", target)
        except OSError as error:
            print(type(error).__name__, error.errno, error.filename == error.path, error.path)
            print(str(error) == f"{error.code}: {error.message}")
        """,
        server.endpoint,
        target,
    )
    assert printed == f"LocalIOError {errno.EFBIG} True {target}.temp\nTrue\n"


def test_a_busy_file_is_a_busy_error_with_its_path(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--rate", "100KB")
    server.put("object")
    with server.client() as client, client.start(BUCKET, "object", target):
        with pytest.raises(oss_resumable.BusyError) as caught:
            client.download(BUCKET, "object", target)
    assert caught.value.path is not None
    assert caught.value.path.startswith(str(target))


def test_a_deadline_is_a_deadline_error(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--rate", "100KB")
    server.put("object")
    with server.client() as client, pytest.raises(oss_resumable.DeadlineError):
        client.download(BUCKET, "object", target, deadline=0.1)


def test_disabled_requests_are_a_disabled_error_until_they_are_enabled(server: Server, target: Path) -> None:
    content = server.put("object")
    with server.client() as client:
        client.disable_requests()
        with pytest.raises(oss_resumable.DisabledError):
            client.download(BUCKET, "object", target)
        client.enable_requests()
        assert client.download(BUCKET, "object", target).size == len(content)


def test_a_refused_connection_is_a_transport_error_with_libcurls_number(serve: Callable[..., Server]) -> None:
    server = serve()
    server.stop()
    with server.client(max_attempts=1) as client, pytest.raises(oss_resumable.TransportError) as caught:
        client.download(BUCKET, "object", "file")
    assert caught.value.status == 200_007


def test_a_wrong_digest_is_an_integrity_error_and_the_old_file_stays(server: Server, target: Path) -> None:
    server.put("object")
    target.write_text("old")
    with server.client() as client, pytest.raises(oss_resumable.IntegrityError) as caught:
        client.download(BUCKET, "object", target, expected_sha256="0" * 64)
    assert caught.value.code == "DigestMismatch"
    assert target.read_text() == "old"


def test_an_object_that_changes_repeatedly_is_an_object_changed_error(
    serve: Callable[..., Server], target: Path
) -> None:
    server = serve("--fault", "new-generation@every:2")
    server.put("object", 1_000_000)
    with server.client() as client, pytest.raises(oss_resumable.ObjectChangedError):
        client.download(BUCKET, "object", target, part_size=oss_resumable.MIN_PART_SIZE)


def test_errors_survive_pickling() -> None:
    for kind in Code:
        if kind.name.startswith("ERR_"):
            error = errors.plain(kind)
            error.request_id, error.path, error.errno = "id", "/path", 28
            copy = pickle.loads(pickle.dumps(error))
            assert type(copy) is type(error)
            assert str(copy) == str(error)
            assert vars(copy) == vars(error)
    assert lib.oss_resumable_error_kind(oss_resumable._native.ffi.NULL) == Code.OK


def test_an_error_is_told_as_json_in_the_librarys_words(server: Server) -> None:
    with server.client() as client:
        with pytest.raises(oss_resumable.ServiceError) as caught:
            client.download(BUCKET, "nothing")
        with pytest.raises(oss_resumable.ValidationError) as refused:
            client.download("UPPER", "nothing")
    told = json.loads(caught.value.to_json())
    assert told == caught.value.to_dict()
    assert (told["kind"], told["code"], told["status"]) == ("service", "NoSuchKey", 404)
    assert told["request_id"] == caught.value.request_id
    without_object = errors.plain(Code.ERR_VALIDATION)
    assert without_object.to_dict().keys() == told.keys()
    assert json.loads(without_object.to_json())["kind"] == refused.value.to_dict()["kind"]
