"""Listings, prefix downloads and checkpoints."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

import oss_resumable
import programs
from conftest import BUCKET
from oss_resumable import EntryKind, EventKind, ObjectOutcome, PrefixPhase, records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Server


def test_a_listing_goes_through_all_pages(server: Server) -> None:
    for i in range(25):
        server.put(f"dir/{i:02}", i)
    server.put("elsewhere", 1)
    with server.client() as client:
        entries = list(client.list_objects(BUCKET, "dir/", max_keys=10))
        assert [(entry.key, entry.size) for entry in entries] == [(f"dir/{i:02}", i) for i in range(25)]
        assert all(entry.etag and entry.kind is EntryKind.OBJECT for entry in entries)
        modified = entries[0].last_modified
        assert modified is not None
        assert abs((datetime.now(timezone.utc) - modified).total_seconds()) < 3600
        assert len(list(client.list_objects(BUCKET, "dir/", start_after="dir/20"))) == 4
        levels = list(client.list_objects(BUCKET, delimiter="/"))
        assert {(entry.key, entry.kind.name) for entry in levels} == {
            ("dir/", "COMMON_PREFIX"),
            ("elsewhere", "OBJECT"),
        }
        threads: list[list[str]] = []
        thread = threading.Thread(target=lambda: threads.append([one.key for one in client.list_objects(BUCKET)]))
        thread.start()
        thread.join()
        assert len(threads[0]) == 26


def test_a_failure_of_a_listing_comes_after_the_entries_before_it(serve: Callable[..., Server]) -> None:
    server = serve("--fault", "status=403:AccessDenied@from:2")
    for i in range(5):
        server.put(f"{i}", 1)
    with server.client() as client, client.list_objects(BUCKET, max_keys=2) as listing:
        assert [next(listing).key, next(listing).key] == ["0", "1"]
        for _ in range(2):
            with pytest.raises(oss_resumable.ServiceError, match="AccessDenied"):
                next(listing)


def test_a_closed_listing_says_so(server: Server) -> None:
    with server.client() as client:
        listing = client.list_objects(BUCKET)
        listing.close()
        with pytest.raises(ValueError, match="the listing is closed"):
            next(listing)


def test_whatever_a_listing_cannot_read_is_raised_and_is_not_its_end(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise MemoryError

    server.put("object", 1)
    with server.client() as client:
        monkeypatch.setattr(records, "object_entry", fails)

        async def program() -> None:
            async for _ in client.list_objects(BUCKET):
                pass

        for read in (lambda: list(client.list_objects(BUCKET)), lambda: asyncio.run(program())):
            with pytest.raises(MemoryError):
                read()
        listing = client.list_objects(BUCKET)
        raised: list[type[BaseException]] = []

        def read_twice() -> None:
            for _ in range(2):
                try:
                    next(listing)
                except MemoryError as error:
                    raised.append(type(error))

        thread = threading.Thread(target=read_twice)
        thread.start()
        thread.join()
        assert raised == [MemoryError] * 2


def test_a_listing_is_cancelled_by_another_thread(serve: Callable[..., Server]) -> None:
    server = serve("--fault", "no-reply")
    with server.client() as client, client.list_objects(BUCKET) as listing:
        threading.Timer(0.2, listing.cancel).start()
        with pytest.raises(oss_resumable.CancelledError):
            next(listing)


def test_ctrl_c_interrupts_a_listing_that_waits(serve: Callable[..., Server]) -> None:
    server = serve("--fault", "no-reply")
    printed = programs.run(
        """
        import os, signal, sys, threading, oss_resumable
        client = oss_resumable.Client(sys.argv[1], anonymous=True)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            list(client.list_objects("examplebucket"))
        except KeyboardInterrupt:
            print("interrupted")
        """,
        server.endpoint,
    )
    assert printed == "interrupted\n"


def test_a_prefix_is_downloaded_and_later_only_what_has_changed(server: Server, tmp_path: Path) -> None:
    contents = {name: server.put(f"models/{name}", 1000) for name in ("a", "b", "sub/c")}
    directory = tmp_path / "files"
    directory.mkdir()
    statuses: list[oss_resumable.PrefixStatus] = []
    with server.client() as client:
        first = client.download_prefix(BUCKET, "models/", directory, objects={"flush": False}, progress=statuses.append)
        server.put("models/b", 2000)
        second = client.download_prefix(BUCKET, "models/", directory, objects={"flush": False})
    assert (directory / "sub/c").read_bytes() == contents["sub/c"]
    assert first.directory == str(directory)
    assert (first.counts.fetched, first.counts.unchanged) == (3, 0)
    assert (second.counts.fetched, second.counts.unchanged, second.counts.bytes_reused) == (1, 2, 2000)
    assert statuses[-1].phase is PrefixPhase.SUCCEEDED
    assert statuses[-1].bytes_done == 3000
    assert [(one.key, one.result, one.size) for one in second] == [
        ("models/a", ObjectOutcome.UNCHANGED, 1000),
        ("models/b", ObjectOutcome.FETCHED, 2000),
        ("models/sub/c", ObjectOutcome.UNCHANGED, 1000),
    ]
    assert second[-1].path == str(directory / "sub/c")
    assert len(second) == 3
    assert second.failed() == []
    assert second[1:] == [second[1], second[-1]]
    assert [one.key for one in second[::-2]] == ["models/sub/c", "models/a"]
    for index in (3, -4, 10**30, -(10**30)):
        with pytest.raises(IndexError):
            second[index]
    with pytest.raises(TypeError):
        second["models/a"]  # type: ignore[call-overload]


def test_an_object_of_a_prefix_that_fails_does_not_stop_the_others(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve("--fault", "status=403:AccessDenied@key:b")
    for name in "abc":
        server.put(name, 1000)
    with server.client() as client:
        result = client.download_prefix(BUCKET, None, tmp_path, manifest_dir=tmp_path)
    assert (result.counts.fetched, result.counts.failed) == (2, 1)
    (failed,) = result.failed()
    assert failed.key == "b"
    assert isinstance(failed.error, oss_resumable.ServiceError)
    assert failed.error.code == "AccessDenied"


def test_a_prefix_download_is_controlled_as_a_download(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve("--rate", "100KB")
    server.put("a")
    with server.client() as client:
        with client.start_prefix(BUCKET, "", tmp_path, verify=True, deadline=60) as download:
            with pytest.raises(TimeoutError):
                download.wait(0.1)
            download.pause()
            assert download.status().is_paused
            download.resume()
            assert not download.done()
            with pytest.raises(oss_resumable.BusyError):
                client.download_prefix(BUCKET, "", tmp_path)
            download.cancel()
            with pytest.raises(oss_resumable.CancelledError):
                download.wait()
            assert download.done()

        def stop(_status: oss_resumable.PrefixStatus) -> None:
            raise KeyError

        with pytest.raises(KeyError):
            client.download_prefix(BUCKET, "", tmp_path, progress=stop)


def test_progress_is_called_by_one_of_several_waiting_threads_at_a_time(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve("--rate", "1MB")
    server.put("a", 500_000)
    inside = threading.Semaphore(1)
    overlaps: list[bool] = []

    def progress(_: oss_resumable.PrefixStatus) -> None:
        overlaps.append(not inside.acquire(blocking=False))
        time.sleep(0.15)
        inside.release()

    with server.client() as client, client.start_prefix(BUCKET, "", tmp_path, progress=progress) as download:
        threads = [threading.Thread(target=download.wait) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert overlaps
    assert not any(overlaps)


def test_a_checkpoint_tells_what_is_there(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--rate", "2MB")
    content = server.put("object", 8_000_000)
    with server.client() as client:
        assert client.inspect_checkpoint(BUCKET, "object", target, enable_checkpoint=True) is None
        with client.start(BUCKET, "object", target, enable_checkpoint=True) as download:
            programs.until(lambda: download.status().bytes_done > 2_000_000, "some bytes are there")
            etag = download.status()
            with pytest.raises(oss_resumable.BusyError):
                client.discard_checkpoint(BUCKET, "object", target, enable_checkpoint=True)
        checkpoint = client.inspect_checkpoint(BUCKET, "object", target, enable_checkpoint=True)
        assert checkpoint is not None
        assert (checkpoint.size, checkpoint.object_size, checkpoint.range_start) == (len(content), len(content), 0)
        assert 0 < checkpoint.bytes_recorded <= len(content)
        assert checkpoint.path.startswith(str(target.parent))
        assert checkpoint.etag
        assert (checkpoint.bucket, checkpoint.key, checkpoint.version_id, checkpoint.url) == (
            BUCKET,
            "object",
            None,
            None,
        )
        assert checkpoint.file_path == str(target)
        assert etag.temp_path == f"{target}.temp"
        assert client.discard_checkpoint(BUCKET, "object", target, enable_checkpoint=True) is True
        assert client.inspect_checkpoint(BUCKET, "object", target, enable_checkpoint=True) is None


def test_a_prefix_download_reports_to_a_queue_and_to_an_event_loop(server: Server, tmp_path: Path) -> None:
    for i in range(5):
        server.put(f"dir/{i}", 1000)
    statuses: list[oss_resumable.PrefixStatus] = []

    async def program() -> int:
        async with server.client() as client:
            result = await client.download_prefix_async(BUCKET, "dir/", tmp_path, progress=statuses.append)
            async with client.start_prefix_async(BUCKET, "dir/", tmp_path) as download:
                statuses.extend([status async for status in download])
                assert (await download).counts.unchanged == 5
            with pytest.raises(oss_resumable.ValidationError):
                await client.download_prefix_async(BUCKET, "dir/", tmp_path / "nowhere")
        return result.counts.fetched

    assert asyncio.run(program()) == 5
    assert statuses[-1].phase is PrefixPhase.SUCCEEDED
    with server.client() as client, oss_resumable.EventQueue() as queue:
        with client.start_prefix(BUCKET, "dir/", tmp_path, event_queue=queue, tag=3):
            events = [queue.next()]
            while events[-1] is not None and events[-1].kind is not EventKind.ENDED:
                events.append(queue.next())
    assert {event.tag for event in events if event} == {3}
