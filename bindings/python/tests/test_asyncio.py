"""Downloads on an event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

import oss_resumable
from conftest import BUCKET
from oss_resumable import CancelledError, Phase, aio

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Server


@pytest.fixture
def slow(serve: Callable[..., Server]) -> Server:
    """A server that needs seconds for an object."""
    server = serve("--rate", "500KB")
    server.put("object", 5_000_000)
    return server


def test_many_downloads_run_at_once_on_one_loop_and_without_a_thread(server: Server, tmp_path: Path) -> None:
    contents = [server.put(f"object{i}", 1000 + i) for i in range(50)]

    async def program() -> None:
        before = threading.active_count()
        async with server.client() as client:
            results = await asyncio.gather(
                *(client.download_async(BUCKET, f"object{i}", tmp_path / str(i), flush=False) for i in range(50))
            )
            assert threading.active_count() == before
        assert [result.size for result in results] == [len(content) for content in contents]

    asyncio.run(program())
    assert all((tmp_path / str(i)).read_bytes() == content for i, content in enumerate(contents))


def test_a_cancelled_task_cancels_the_download_and_the_next_one_resumes(
    serve: Callable[..., Server], target: Path
) -> None:
    server = serve("--rate", "4MB")
    content = server.put("object", 8_000_000)

    async def program() -> None:
        async with server.client() as client:
            statuses: list[oss_resumable.Status] = []
            downloading = asyncio.ensure_future(
                client.download_async(BUCKET, "object", target, enable_checkpoint=True, progress=statuses.append)
            )
            while not statuses or statuses[-1].bytes_done < 1_000_000:
                await asyncio.sleep(0.01)
            downloading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await downloading
            # It has ended: its files are free.
            result = await client.download_async(BUCKET, "object", target, enable_checkpoint=True)
            assert result.statistics.bytes_reused > 0

    asyncio.run(program())
    assert target.read_bytes() == content


def test_a_timeout_cancels_the_download(slow: Server, target: Path) -> None:
    async def program() -> None:
        async with slow.client() as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.download_async(BUCKET, "object", target), 0.2)
            assert client.discard_checkpoint(BUCKET, "object", target, checkpoint_dir=target.parent) is False

    asyncio.run(program())
    assert not target.exists()


def test_progress_is_an_asynchronous_iterator_until_the_end(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--rate", "2MB")
    content = server.put("object")

    async def program() -> None:
        async with server.client() as client, client.start_async(BUCKET, "object", target) as download:
            statuses = [status async for status in download]
            assert (await download).size == len(content)
        assert statuses[-1].phase is Phase.SUCCEEDED
        assert statuses[-1].bytes_done == len(content)
        assert len(statuses) >= 2

    asyncio.run(program())


def test_what_progress_raises_is_raised_by_the_download(slow: Server, target: Path) -> None:
    def progress(status: oss_resumable.Status) -> None:
        raise KeyError(status.phase.name)

    async def program() -> None:
        async with slow.client() as client:
            with pytest.raises(KeyError):
                await client.download_async(BUCKET, "object", target, progress=progress)

    asyncio.run(program())


@pytest.mark.parametrize("used", ["iterated", "left", "left by an exception"])
def test_what_progress_raises_is_not_lost_without_await(
    slow: Server, target: Path, caplog: pytest.LogCaptureFixture, used: str
) -> None:
    def progress(status: oss_resumable.Status) -> None:
        raise KeyError(status.phase.name)

    async def program() -> None:
        async with slow.client() as client:
            async with client.start_async(BUCKET, "object", target, progress=progress) as download:
                if used == "iterated":
                    async for _ in download:
                        pass
                    raise AssertionError("it has ended well")
                while not download.done():
                    await asyncio.sleep(0.01)
                if used != "left":
                    raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError if used == "left by an exception" else KeyError):
        asyncio.run(program())
    assert "progress has raised an exception" in caplog.text


def test_the_failure_of_the_download_is_the_context_of_what_progress_raises(server: Server, target: Path) -> None:
    def progress(status: oss_resumable.Status) -> None:
        if status.phase is Phase.FAILED:
            raise KeyError

    async def program() -> None:
        async with server.client() as client:
            with pytest.raises(KeyError) as caught:
                await client.download_async(BUCKET, "nothing", target, progress=progress)
            assert isinstance(caught.value.__context__, oss_resumable.ServiceError)
            with pytest.raises(TypeError, match="progress must be a callable, not int"):
                client.start_async(BUCKET, "object", target, progress=5)  # type: ignore[arg-type]
            assert not aio._bridge()._watched

    asyncio.run(program())


def test_leaving_the_block_cancels_the_download(slow: Server, target: Path) -> None:
    async def program() -> None:
        async with slow.client() as client:
            async with client.start_async(BUCKET, "object", target) as download:
                await asyncio.sleep(0.05)
            assert download.done()
            async with client.start_async(BUCKET, "object", target) as download:
                download.pause()
                download.resume()
                download.set_bandwidth(1000)
                download.set_priority(1)
                download.cancel()
                with pytest.raises(CancelledError):
                    await download

    asyncio.run(program())


def test_a_download_that_nobody_keeps_is_cancelled(slow: Server, target: Path) -> None:
    async def program() -> None:
        async with slow.client() as client:
            client.start_async(BUCKET, "object", target, progress=print)
            while aio._bridge()._watched:
                await asyncio.sleep(0.01)

    asyncio.run(program())
    assert not target.exists()


def test_a_request_that_is_refused_leaves_nothing_on_the_loop(server: Server) -> None:
    async def program() -> None:
        async with server.client() as client:
            with pytest.raises(oss_resumable.ValidationError):
                await client.download_async("UPPER", "object")
            with pytest.raises(TypeError):
                client.start_async(BUCKET, "object", tag=1)
            assert not aio._bridge()._watched
            with pytest.raises(oss_resumable.ServiceError):
                await client.download_async(BUCKET, "nothing")
            assert not aio._bridge()._watched

    asyncio.run(program())


def test_each_loop_has_its_own_queue_which_ends_with_it(server: Server, tmp_path: Path) -> None:
    server.put("object")
    before = len(aio._bridges)

    async def program(target: Path) -> None:
        async with server.client() as client:
            await client.download_async(BUCKET, "object", target)

    for i in range(3):
        asyncio.run(program(tmp_path / str(i)))
    threads = [threading.Thread(target=lambda i=i: asyncio.run(program(tmp_path / f"thread{i}"))) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(aio._bridges) <= before + 1


def test_a_listing_is_an_asynchronous_iterator(server: Server) -> None:
    for i in range(5):
        server.put(f"dir/{i}", i)

    async def program() -> list[str]:
        async with server.client() as client:
            return [entry.key async for entry in client.list_objects(BUCKET, "dir/", max_keys=2)]

    assert asyncio.run(program()) == [f"dir/{i}" for i in range(5)]
