"""Many downloads at once, and the event queue."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any, cast

import pytest

import oss_resumable
from conftest import BUCKET
from oss_resumable import Code, EventKind, EventQueue, Request, Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Server


def test_the_first_failure_cancels_the_others_and_is_raised(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve("--rate", "100KB")
    server.put("object")
    requests = [Request(BUCKET, "object", tmp_path / "0"), Request(BUCKET, "nothing", tmp_path / "1")]
    with server.client() as client:
        with pytest.raises(oss_resumable.ServiceError):
            client.download_many(requests)
        client.start(BUCKET, "object", tmp_path / "0").close()
    assert not (tmp_path / "0").exists()


def test_errors_take_the_place_of_results_if_asked_for(server: Server, tmp_path: Path) -> None:
    server.put("object")
    requests = [
        Request(BUCKET, "object", tmp_path / "0"),
        Request(BUCKET, "nothing", tmp_path / "1"),
        Request("UPPER", "object", tmp_path / "2"),
        Request(url=f"{server.endpoint}/{BUCKET}/object", file_path=tmp_path / "3"),
    ]
    seen: dict[int, object] = {}
    with server.client() as client:
        outcomes = client.download_many(requests, return_exceptions=True, on_end=seen.__setitem__)
    assert [type(one) for one in outcomes] == [
        Result,
        oss_resumable.ServiceError,
        oss_resumable.ValidationError,
        Result,
    ]
    assert seen == dict(enumerate(outcomes))
    assert repr(requests[0]) == f"Request('examplebucket', 'object', {tmp_path / '0'!r})"


def test_a_request_that_cannot_be_passed_on_takes_its_place_among_the_results(server: Server, tmp_path: Path) -> None:
    server.put("object", 10)
    refused: list[Any] = [
        Request(BUCKET, "bad\0key", tmp_path / "1"),
        Request(BUCKET, "object", tmp_path / "2", thread_num="3"),  # type: ignore[arg-type]
        Request(BUCKET, "object", tmp_path / "3", tag=1),
        "object",
    ]
    ended: list[int] = []
    with server.client() as client:
        first, *others = client.download_many(
            [Request(BUCKET, "object", tmp_path / "0"), *refused],
            return_exceptions=True,
            on_end=lambda number, _: ended.append(number),
        )
        assert isinstance(first, Result)
        assert [type(error) for error in others] == [oss_resumable.ValidationError] * 4
        assert [type(cast("Exception", error).__cause__) for error in others] == [ValueError, *[TypeError] * 3]
        assert sorted(ended) == [0, 1, 2, 3, 4]
        for request in refused:
            with pytest.raises((TypeError, ValueError)) as caught:
                client.download_many([request])
            assert not isinstance(caught.value, oss_resumable.OssResumableError)


def test_what_on_end_raises_cancels_the_others(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve("--rate", "100KB")
    server.put("small", 10)
    server.put("object")

    def stop(_number: int, _outcome: object) -> None:
        raise KeyError

    requests = [Request(BUCKET, key, tmp_path / key) for key in ("object", "small")]
    with server.client() as client:
        with pytest.raises(KeyError):
            client.download_many(requests, on_end=stop)
        with pytest.raises(TypeError, match="no event_queue and no tag"):
            client.download_many([Request(BUCKET, "object", tag=1)])
        assert client.download_many([]) == []


def test_a_queue_tells_of_each_download(server: Server, tmp_path: Path) -> None:
    content = server.put("object")
    with server.client() as client, EventQueue() as queue:
        assert queue.next(0) is None
        assert queue.next(0.01) is None
        assert select.select([queue], [], [], 0)[0] == []
        downloads = {
            tag: client.start(BUCKET, key, tmp_path / key, event_queue=queue, tag=tag)
            for tag, key in ((1, "object"), (2**63, "nothing"))
        }
        ends = {}
        kinds = []
        for event in queue:
            assert event.tag in downloads
            kinds.append(event.kind)
            if event.kind is EventKind.ENDED:
                ends[event.tag] = event
                if len(ends) == 2:
                    break
        assert kinds.count(EventKind.STARTED) == 2
        assert (ends[1].code, ends[1].bytes_done, ends[1].bytes_total) == (Code.OK, len(content), len(content))
        assert ends[2**63].code is Code.ERR_SERVICE
        assert downloads[1].wait(0).size == len(content)


def test_a_queue_may_be_closed_before_its_downloads_end(server: Server, target: Path) -> None:
    content = server.put("object")
    with server.client() as client:
        queue = EventQueue()
        download = client.start(BUCKET, "object", target, event_queue=queue)
        queue.close()
        with pytest.raises(ValueError, match="the event queue is closed"):
            queue.next()
        assert download.wait().size == len(content)
