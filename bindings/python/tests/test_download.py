"""Blocking downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import oss_resumable
from conftest import BUCKET
from oss_resumable import Phase, Proof, Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Server


def test_a_download_returns_when_the_file_is_the_object(server: Server, target: Path) -> None:
    content = server.put("dir/object.bin")
    with server.client() as client:
        result = client.download(BUCKET, "dir/object.bin", target)
    assert target.read_bytes() == content
    assert result.size == result.object_size == len(content)
    assert result.file_path == str(target)
    assert result.proof is Proof.OBJECT_CRC
    assert result.crc64 == result.object_crc64
    assert result.etag
    assert result.to_dict()["file_size"] == len(content)
    assert result.header("CONTENT-TYPE") == dict(result.headers)["Content-Type"]
    assert result.statistics.bytes_from_network == len(content)
    assert result.statistics.elapsed > 0


def test_progress_is_called_on_the_calling_thread_and_at_the_end(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--rate", "2MB")
    content = server.put("object")
    statuses: list[oss_resumable.Status] = []
    with server.client() as client:
        client.download(BUCKET, "object", target, progress=statuses.append, thread_num=1)
    assert statuses[-1].phase is Phase.SUCCEEDED
    assert statuses[-1].bytes_done == statuses[-1].bytes_total == len(content)
    assert len(statuses) >= 3
    assert [status.bytes_done for status in statuses] == sorted(status.bytes_done for status in statuses)


def test_many_downloads_give_their_results_in_order(server: Server, tmp_path: Path) -> None:
    contents = [server.put(f"object{i}", i) for i in range(200)]
    requests = [Request(BUCKET, f"object{i}", tmp_path / f"file{i}", flush=False) for i in range(200)]
    with server.client() as client:
        results = client.download_many(requests)
    assert [result.size for result in results] == list(range(200))
    assert all((tmp_path / f"file{i}").read_bytes() == content for i, content in enumerate(contents))


def test_an_object_that_does_not_exist_is_a_service_error(server: Server, target: Path) -> None:
    with server.client() as client, pytest.raises(oss_resumable.ServiceError) as caught:
        client.download(BUCKET, "nothing", target)
    error = caught.value
    assert (error.code, error.status, error.kind.name) == ("NoSuchKey", 404, "ERR_SERVICE")
    assert error.request_id
    assert error.message in str(error)


def test_the_checksum_of_a_file_is_that_of_its_result(server: Server, target: Path) -> None:
    content = server.put("object")
    with server.client() as client:
        result = client.download(BUCKET, "object", target)
    assert oss_resumable.crc64(content) == result.crc64
    assert oss_resumable.crc64(memoryview(content)[10:], oss_resumable.crc64(bytearray(content[:10]))) == result.crc64
    assert oss_resumable.crc64(b"123456789") == 0x995DC9BBDF1939FA
    assert oss_resumable.crc64(b"") == 0
