"""Arguments of wrong types and values: refused by name, before anything starts, and without a secret."""

from __future__ import annotations

import inspect
import sys
import typing
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import oss_resumable
from conftest import BUCKET
from oss_resumable import Client, Credentials, DecryptionKey, EventQueue, Request
from oss_resumable.credentials import unix_milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "S3CR3TS3CR3T"
INFINITY = float("inf")
NAN = float("nan")


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A client of a server that nobody asks: what is refused sends nothing."""
    with Client("http://127.0.0.1:9", anonymous=True) as client:
        yield client


def shown(value: object) -> str:
    """The name of an argument, or the type of its value, in the name of a test."""
    if isinstance(value, dict):
        value = next(iter(value), "")
    return value if isinstance(value, str) and value.isidentifier() else type(value).__name__


async def awaited(*_: object) -> None:
    """A coroutine function, which a callable must not be."""


class AwaitedObject:
    """An object that would have to be awaited when it is called."""

    async def __call__(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("deadline", value) for value in ("5", b"5", True, Decimal(5))),
        *(("thread_num", value) for value in (True, "3", 3.0)),
        ("part_size", 1e6),
        ("priority", 1.5),
        ("priority", True),
        ("tag", "x"),
        ("overwrite", "replace"),
        ("range_start", 0.5),
        ("range_end", "0"),
        ("flush", 1),
        ("event_queue", 5),
        *(("if_match", value) for value in ("x", b"x", 5, [1])),
        *(("extra_headers", value) for value in ("ab", ["ab"], [("a",)], [("a", 5)], {"a": 5}, 5)),
        ("extra_query", 5),
        ("checkpoint_dir", 5),
        ("url", b"http://x"),
        ("expected_crc64", 5),
        ("url_provider", 5),
        ("url_provider", awaited),
        *(("progress", value) for value in (5, awaited, AwaitedObject())),
        ("nonsense", 1),
        ("nonsense", None),
    ],
    ids=shown,
)
def test_a_wrong_type_is_a_type_error_that_names_the_argument(
    client: Client, target: Path, name: str, value: object
) -> None:
    with pytest.raises(TypeError, match=name):
        client.start(BUCKET, "object", target, **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("deadline", value) for value in (NAN, INFINITY, -5, 10**400, timedelta(seconds=-2))),
        *(("thread_num", value) for value in (-1, 1 << 32)),
        *(("tag", value) for value in (-1, 1 << 64, 10**5000)),
        ("part_size", -1),
        ("max_bandwidth", -1),
        ("range_start", 1 << 63),
        ("priority", 1 << 31),
        ("write_mode", 1 << 40),
        ("checkpoint_dir", "a\0b"),
        ("checkpoint_dir", "\ud800"),
        ("url", "a\0b"),
        ("expected_md5", "\ud800"),
        ("extra_headers", {"a\0": "b"}),
    ],
    ids=shown,
)
def test_a_value_that_cannot_be_passed_on_is_a_value_error_that_names_the_argument(
    client: Client, target: Path, name: str, value: object
) -> None:
    with pytest.raises(ValueError, match=name):
        client.start(BUCKET, "object", target, **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "exception"),
    [
        *(("credentials", value, TypeError) for value in ((), ("id",), ("id", "secret"), 5, awaited)),
        ("endpoint", 5, TypeError),
        ("region", b"x", TypeError),
        ("max_workers", "2", TypeError),
        ("connect_timeout", "1", TypeError),
        ("log", 5, TypeError),
        ("trace", awaited, TypeError),
        ("decryption_keys", 5, TypeError),
        ("decryption_keys", ["pem"], TypeError),
        ("verify_tls", 0, TypeError),
        ("log_level", "DEBUG", TypeError),
        ("nonsense", None, TypeError),
        ("max_workers", -1, ValueError),
        ("idle_timeout", 1e300, ValueError),
        ("connect_timeout", -2, ValueError),
        ("max_attempts", 1 << 32, ValueError),
        ("region", "\0", ValueError),
    ],
    ids=shown,
)
def test_a_client_refuses_an_argument_by_name(name: str, value: object, exception: type[Exception]) -> None:
    with pytest.raises(exception, match=name):
        Client(**{name: value})  # type: ignore[arg-type]


def test_listings_prefixes_and_setters_refuse_an_argument_by_name(client: Client, tmp_path: Path) -> None:
    with client.start(BUCKET, "object", tmp_path / "file", deadline=60) as download, EventQueue() as queue:
        calls: list[tuple[str, Callable[[Any], Any]]] = [
            ("bytes_per_second", client.set_bandwidth),
            ("connections", client.set_max_connections),
            ("bytes_per_second", download.set_bandwidth),
            ("priority", lambda value: download.set_priority(value << 40)),
            ("timeout", lambda value: download.wait(value * 5)),
            ("timeout", lambda value: queue.next(value * 5)),
            ("crc", lambda value: oss_resumable.crc64(b"", value)),
            ("max_keys", lambda value: client.list_objects(BUCKET, max_keys=value)),
            ("deadline", lambda value: client.list_objects(BUCKET, deadline=value * 5)),
            ("tag", lambda value: client.start_prefix(BUCKET, "", tmp_path, tag=value)),
            ("thread_num", lambda value: client.start_prefix(BUCKET, "", tmp_path, objects={"thread_num": value})),
        ]
        for name, call in calls:
            with pytest.raises(ValueError, match=name):
                call(-1)
            with pytest.raises(TypeError):
                call("1")
        wrong: tuple[Any, ...] = (5, [], "a")
        for objects in wrong:
            with pytest.raises(TypeError, match="objects must be a mapping"):
                client.start_prefix(BUCKET, "", tmp_path, objects=objects)
        with pytest.raises(TypeError, match="progress must be a callable, not int"):
            client.start_prefix(BUCKET, "", tmp_path, progress=5)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="on_end must be a callable, not int"):
            client.download_many([Request(BUCKET, "object")], on_end=5)  # type: ignore[call-overload]
        with pytest.raises(TypeError, match="requests must be Requests, not str"):
            client.download_many("ab")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        {"credentials": f"id:{SECRET}"},
        {"credentials": {"access_key_secret": SECRET}},
        {"credentials": ["id", SECRET]},
        {"credentials": ("id", SECRET)},
        {"credentials": Credentials("id", [SECRET])},  # type: ignore[arg-type]
        {"credentials": Credentials("id", f"{SECRET}\0")},
        {"access_key_id": "id", "access_key_secret": f"{SECRET}\ud800"},
        {"credentials_provider": SECRET},
        {"anonymous": SECRET},
        {"proxy_port": SECRET},
        {"proxy_password": [SECRET]},
        {"connect_timeout": SECRET},
        {"decryption_keys": [SECRET]},
        {"decryption_keys": [DecryptionKey([SECRET])]},  # type: ignore[arg-type]
    ],
    ids=shown,
)
def test_what_is_refused_is_not_shown(options: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        Client("http://localhost", **options)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["url_provider", "progress", "extra_headers", "if_match", "event_queue", "flush", "tag"]
)
def test_a_url_in_the_wrong_place_is_not_shown(client: Client, target: Path, name: str) -> None:
    options: dict[str, Any] = {name: f"http://h/x?Signature={SECRET}"}
    with pytest.raises(TypeError, match=name) as caught:
        client.download(url="http://h/x", file_path=target, **options)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("expires", ["tomorrow", True, NAN, INFINITY, -1, 1e300, datetime(2030, 1, 1)], ids=shown)  # noqa: DTZ001
def test_a_time_of_expiry_that_is_none_is_refused(expires: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="expires"):
        unix_milliseconds(expires)


def test_a_plain_tuple_of_a_provider_is_refused_as_it_is_in_place_of_one(target: Path) -> None:
    provider: Any = lambda: ("id", SECRET)  # noqa: E731
    with Client("http://127.0.0.1:9", region="cn-hangzhou", credentials=provider) as client:
        with pytest.raises(oss_resumable.ServiceError, match="must be Credentials, not tuple") as caught:
            client.download(BUCKET, "object", target)
    assert SECRET not in str(caught.value)


def test_any_iterable_of_texts_is_a_list_of_texts(client: Client, target: Path) -> None:
    for etags in (["a"], ("a",), {"a"}, iter("a")):
        client.start(BUCKET, "object", target, if_match=etags, if_none_match=tuple("b")).close()
    for pairs in ({"a": "b"}, [("a", "b")], iter([("a", "b")])):
        client.start(BUCKET, "object", target, extra_headers=pairs).close()


@pytest.mark.skipif(sys.version_info < (3, 10), reason="Python 3.9 cannot evaluate the annotation `str | None`")
def test_the_types_of_the_public_classes_are_there_at_run_time() -> None:
    made_by_programs = (Client, EventQueue, Request)
    for name in oss_resumable.__all__:
        exported = getattr(oss_resumable, name)
        if not inspect.isclass(exported):
            continue
        typing.get_type_hints(exported)
        for member, value in inspect.getmembers(exported):
            function = getattr(value, "fget", value)
            is_public = not member.startswith("_") or (member == "__init__" and exported in made_by_programs)
            if is_public and inspect.isfunction(function) and function.__module__.startswith("oss_resumable"):
                assert "return" in typing.get_type_hints(function), f"{name}.{member}"
