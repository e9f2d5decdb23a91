"""Handles of downloads: waiting, controlling, closing."""

from __future__ import annotations

import signal
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import oss_resumable
import programs
from conftest import BUCKET
from oss_resumable import CancelledError, Phase

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


def test_a_wait_that_ends_too_early_raises_timeout_error_and_the_download_goes_on(slow: Server, target: Path) -> None:
    with slow.client() as client, client.start(BUCKET, "object", target) as download:
        for timeout in (0, 0.1, timedelta(milliseconds=120)):
            with pytest.raises(TimeoutError):
                download.wait(timeout)
        assert not download.done()
        assert download.status().phase in (Phase.STARTING, Phase.TRANSFERRING)


def test_a_cancelled_download_ends_with_cancelled_error(slow: Server, target: Path) -> None:
    with slow.client() as client, client.start(BUCKET, "object", target) as download:
        download.cancel()
        with pytest.raises(CancelledError):
            download.wait()
        assert download.done()
        assert download.status().phase is Phase.FAILED
    assert not target.exists()


def test_a_paused_download_waits_and_completes_after_resume(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--rate", "5MB")
    content = server.put("object", 5_000_000)
    with server.client() as client, client.start(BUCKET, "object", target) as download:
        download.pause()
        programs.until(lambda: download.status().phase is Phase.PAUSED, "it is paused")
        download.resume()
        download.wait()
    assert target.read_bytes() == content


def test_a_client_pauses_all_its_downloads(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--rate", "5MB")
    content = server.put("object", 1_000_000)
    with server.client() as client:
        client.pause()
        with client.start(BUCKET, "object", target) as download:
            programs.until(lambda: download.status().phase is Phase.PAUSED, "it is paused")
            client.resume()
            download.wait()
    assert target.read_bytes() == content


def test_a_bandwidth_limit_is_changed_while_the_download_runs(server: Server, target: Path) -> None:
    content = server.put("object", 10_000_000)
    with server.client() as client, client.start(BUCKET, "object", target, max_bandwidth=1000) as download:
        with pytest.raises(TimeoutError):
            download.wait(0.2)
        download.set_bandwidth(0)
        download.wait()
        assert target.read_bytes() == content
        client.set_bandwidth(1000)
        with client.start(BUCKET, "object", target) as limited, pytest.raises(TimeoutError):
            limited.wait(0.2)


def test_queued_downloads_start_by_priority(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve("--rate", "2MB")
    server.put("object", 500_000)
    with server.client(max_active_downloads=1) as client:
        first, second, third = (client.start(BUCKET, "object", tmp_path / name) for name in "abc")
        assert second.status().queue_position == 1
        third.set_priority(1)
        assert (third.status().queue_position, second.status().queue_position) == (1, 2)
        for download in (first, second, third):
            download.wait()


def test_what_progress_raises_cancels_the_download_and_is_raised(slow: Server, target: Path) -> None:
    class StopError(Exception):
        pass

    def progress(status: oss_resumable.Status) -> None:
        if status.bytes_done > 0:
            raise StopError

    options = {"checkpoint_dir": target.parent, "progress": progress}
    with slow.client() as client:
        with pytest.raises(StopError):
            client.download(BUCKET, "object", target, **options)  # type: ignore[arg-type]
        checkpoint = client.inspect_checkpoint(BUCKET, "object", target, checkpoint_dir=target.parent)
    assert checkpoint is not None
    assert checkpoint.bytes_recorded > 0


def test_the_failure_of_the_download_is_the_context_of_what_progress_raises_at_its_end(
    server: Server, target: Path
) -> None:
    def progress(status: oss_resumable.Status) -> None:
        if status.phase is Phase.FAILED:
            raise KeyError

    with server.client() as client, pytest.raises(KeyError) as caught:
        client.download(BUCKET, "nothing", target, progress=progress)
    assert isinstance(caught.value.__context__, oss_resumable.ServiceError)


def test_a_wait_of_minus_one_has_no_limit(slow: Server, target: Path) -> None:
    with slow.client() as client, client.start(BUCKET, "object", target) as download:
        threading.Timer(0.2, download.cancel).start()
        with pytest.raises(CancelledError):
            download.wait(-1)


def test_several_threads_wait_for_one_download(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--rate", "2MB")
    content = server.put("object", 1_000_000)
    sizes = []
    with server.client() as client, client.start(BUCKET, "object", target) as download:
        threads = [threading.Thread(target=lambda: sizes.append(download.wait().size)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sizes == [len(content)] * 4


def test_a_closed_object_says_so(server: Server, target: Path) -> None:
    server.put("object")
    client = server.client()
    download = client.start(BUCKET, "object", target)
    download.close()
    download.close()
    with pytest.raises(ValueError, match="the download is closed"):
        download.wait()
    client.close()
    with pytest.raises(ValueError, match="the client is closed"):
        client.download(BUCKET, "object", target)


def test_closing_a_client_ends_its_downloads_whose_handles_still_tell_their_end(slow: Server, target: Path) -> None:
    client = slow.client()
    download = client.start(BUCKET, "object", target)
    client.close()
    with pytest.raises(CancelledError):
        download.wait()


INTERRUPTED = """
    import sys, oss_resumable
    endpoint, target, directory, how = sys.argv[1:]
    client = oss_resumable.Client(endpoint, anonymous=True)
    arguments = dict(bucket="examplebucket", key="object", file_path=target, checkpoint_dir=directory)
    print("started", flush=True)
    try:
        if how == "download":
            client.download(**arguments)
        elif how == "many":
            client.download_many([oss_resumable.Request(**arguments)])
        else:
            queue = oss_resumable.EventQueue()
            download = client.start(**arguments, event_queue=queue)
            while True:
                queue.next()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize("how", ["download", "many", "queue"])
def test_ctrl_c_interrupts_and_the_next_run_resumes(slow: Server, target: Path, how: str) -> None:
    program = programs.start(INTERRUPTED, slow.endpoint, target, target.parent, how)
    assert program.stdout is not None
    assert program.stdout.readline() == "started\n"
    with slow.client() as client:

        def recorded() -> int:
            checkpoint = client.inspect_checkpoint(BUCKET, "object", target, checkpoint_dir=target.parent)
            return checkpoint.bytes_recorded if checkpoint else 0

        programs.until(recorded, "something is recorded")
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=30)
        assert (out, err, program.returncode) == ("interrupted\n", "", 0)
        assert recorded() > 0
        assert client.discard_checkpoint(BUCKET, "object", target, checkpoint_dir=target.parent)
        assert not client.discard_checkpoint(BUCKET, "object", target, checkpoint_dir=target.parent)


def test_a_download_resumes_where_an_earlier_one_stopped(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--rate", "4MB")
    content = server.put("object", 8_000_000)
    with server.client() as client:
        with client.start(BUCKET, "object", target, enable_checkpoint=True) as download:
            programs.until(lambda: download.status().bytes_done > 1_000_000, "some bytes are there")
        result = client.download(BUCKET, "object", target, enable_checkpoint=True)
    assert result.statistics.bytes_reused > 0
    assert target.read_bytes() == content
