"""How clients, downloads and programs end: closed, collected, interrupted, or with the interpreter."""

from __future__ import annotations

import _thread
import asyncio
import concurrent.futures
import contextlib
import gc
import os
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING

import pytest

import oss_resumable
import programs
from conftest import BUCKET
from oss_resumable import CancelledError, Credentials, Phase, Request, _handle, many
from oss_resumable._native import lib

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Server


@pytest.fixture
def slow(serve: Callable[..., Server]) -> Server:
    """A server that needs seconds for an object."""
    server = serve("--rate", "100KB")
    server.put("object")
    return server


def threads() -> int:
    """The threads of this process, the library's included."""
    return len(os.listdir("/proc/self/task"))


# The end of the program


@pytest.mark.parametrize(
    "what",
    ["client.list_objects('examplebucket')", "client.start('examplebucket', 'object')"],
    ids=["listing", "download"],
)
def test_a_handle_that_outlives_the_modules_does_not_crash_the_end_of_the_program(slow: Server, what: str) -> None:
    code = f"""
        import os, sys, oss_resumable
        os.chdir(sys.argv[2])
        client = oss_resumable.Client(sys.argv[1], anonymous=True)
        sys.keep = {what}
    """
    assert programs.run(code, slow.endpoint, slow.folder.parent) == ""


@pytest.mark.parametrize("shared", [False, True], ids=["own clients", "one client"])
def test_daemon_threads_that_download_do_not_crash_the_end_of_the_program(
    server: Server, target: Path, shared: bool
) -> None:
    server.put("object", 1000)
    code = """
        import sys, threading, oss_resumable
        endpoint, target, shared = sys.argv[1:]
        one = oss_resumable.Client(endpoint, anonymous=True)
        under_way = threading.Semaphore(0)
        def loop(number):
            while True:
                try:
                    client = one if shared == "True" else oss_resumable.Client(endpoint, anonymous=True)
                    client.download("examplebucket", "object", f"{target}-{number}", flush=False)
                    list(client.list_objects("examplebucket"))
                    if client is not one:
                        client.close()
                    under_way.release()
                except Exception:
                    pass
        for number in range(4):
            threading.Thread(target=loop, args=(number,), daemon=True).start()
        for _ in range(8):
            under_way.acquire()
    """
    assert programs.run(code, server.endpoint, target, str(shared)) == ""


def test_nothing_new_starts_while_the_interpreter_shuts_down(slow: Server, target: Path) -> None:
    code = """
        import atexit, sys
        endpoint, target = sys.argv[1:]
        def late():
            for start in (
                lambda: oss_resumable.Client(endpoint, anonymous=True),
                lambda: client.start("examplebucket", "object", target),
                lambda: client.list_objects("examplebucket"),
                lambda: next(listing),
            ):
                try:
                    start()
                except (RuntimeError, ValueError) as error:
                    print(error)
        atexit.register(late)
        import oss_resumable
        client = oss_resumable.Client(endpoint, anonymous=True)
        listing = client.list_objects("examplebucket")
    """
    refused = "the interpreter is shutting down\n"
    assert programs.run(code, slow.endpoint, target) == 3 * refused + "the listing is closed\n"


def test_a_provider_that_never_returns_does_not_keep_the_program(slow: Server, target: Path) -> None:
    code = """
        import sys, time, oss_resumable
        oss_resumable._handle.EXIT_SECONDS = 0.1
        endpoint, target = sys.argv[1:]
        client = oss_resumable.Client(endpoint, region="x", credentials=lambda: time.sleep(3600))
        try:
            client.download("examplebucket", "object", target, deadline=0.1)
        except oss_resumable.DeadlineError:
            print("deadline", flush=True)
    """
    assert programs.run(code, slow.endpoint, target) == "deadline\n"


# Interrupts


def test_ctrl_c_ends_the_wait_of_close_for_a_provider_and_is_not_lost(slow: Server, target: Path) -> None:
    code = """
        import os, signal, sys, threading, oss_resumable
        endpoint, target = sys.argv[1:]
        asked, interrupted = threading.Event(), threading.Event()
        def provider():
            asked.set()
            interrupted.wait()
            return oss_resumable.Credentials("id", "secret")
        client = oss_resumable.Client(endpoint, region="x", credentials=provider)
        download = client.start("examplebucket", "object", target)
        asked.wait()
        download.close()
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            client.close()
        except KeyboardInterrupt:
            print("interrupted")
        interrupted.set()
        client.close()
        print(len(os.listdir("/proc/self/task")) <= 3)
    """
    process = programs.start(code, slow.endpoint, target)
    assert process.communicate(timeout=30) == ("interrupted\nTrue\n", "")
    assert process.returncode == 0


def test_downloads_whose_end_is_not_waited_for_after_a_second_ctrl_c_are_freed(
    slow: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed: list[object] = []

    class Recorded(_handle.Owned):
        def gone(self) -> None:
            freed.append(self)
            super().gone()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(many, "Owned", Recorded)
    monkeypatch.setattr(many, "until_ended", interrupted)
    requests = [Request(BUCKET, "object", tmp_path / str(i)) for i in range(3)]
    with slow.client() as client:
        with pytest.raises(KeyboardInterrupt):
            client.download_many([*requests, Request("UPPER", "object")])
        programs.until(lambda: len(freed) == 3, "all are freed")


# The garbage collector


def test_a_client_is_collected_inside_a_logging_handler(slow: Server, target: Path) -> None:
    code = """
        import gc, logging, sys, oss_resumable
        class Handler(logging.Handler):
            def emit(self, record):
                gc.collect()  # as any allocation may
        logging.basicConfig(level=logging.INFO, handlers=[Handler()])
        gc.disable()
        class Job: pass
        job = Job()
        job.me = job
        job.client = oss_resumable.Client(sys.argv[1], anonymous=True)
        job.download = job.client.start("examplebucket", "object", sys.argv[2])
        del job
        logging.getLogger("app").info("hello")
        print("ended")
    """
    assert programs.run(code, slow.endpoint, target) == "ended\n"


def test_a_client_and_its_download_are_collected_under_a_lock_that_their_callables_take(
    slow: Server, target: Path
) -> None:
    before = threads()
    lock = threading.Lock()

    def log(_level: int, _line: str) -> None:
        with lock:
            pass

    client = slow.client(log=log, trace=lambda _: log(0, ""))
    cycle = [client, client.start(BUCKET, "object", target)]
    cycle.append(cycle)  # type: ignore[arg-type]
    del client
    with lock:
        del cycle
        gc.collect()
    programs.until(lambda: threads() <= before, "its threads have ended")


def test_a_client_whose_callables_refer_to_it_is_collected_and_its_download_cancelled(
    slow: Server, target: Path
) -> None:
    class Fetcher:
        def __init__(self) -> None:
            self.client = slow.client(trace=self.traced, log=self.logged, retry_decision=self.traced)
            self.download = self.client.start(BUCKET, "object", target)

        def traced(self, record: object) -> None:
            pass

        def logged(self, level: int, line: str) -> None:
            pass

    before = threads()
    fetcher = Fetcher()
    assert threads() > before
    del fetcher
    gc.collect()
    programs.until(lambda: threads() <= before, "its threads have ended")
    assert not target.exists()


def test_a_provider_of_a_client_that_was_collected_is_not_called(slow: Server, target: Path) -> None:
    asked, collected = threading.Event(), threading.Event()
    calls: list[int] = []

    def provider() -> Credentials:
        calls.append(1)
        asked.set()
        collected.wait()
        return Credentials("id", "secret")

    before = threads()
    client = slow.client(region="x", credentials=provider, trace=print)
    download = client.start(BUCKET, "object", target)
    asked.wait()
    del client, download
    collected.set()
    programs.until(lambda: threads() <= before, "its threads have ended")
    assert calls == [1]


# Closing


def test_close_waits_for_the_end_also_while_other_threads_wait(slow: Server, target: Path) -> None:
    with slow.client() as client:
        for _ in range(5):
            download = client.start(BUCKET, "object", target)

            def wait(download: oss_resumable.Download = download) -> None:
                with pytest.raises((ValueError, CancelledError)):
                    download.wait()

            thread = threading.Thread(target=wait)
            thread.start()
            download.close()
            # The file is free: this is not a BusyError.
            client.start(BUCKET, "object", target).close()
            thread.join()


def test_closing_a_client_waits_for_its_downloads_also_while_other_threads_use_it(slow: Server, target: Path) -> None:
    before = threads()
    for _ in range(3):
        client = slow.client()
        download = client.start(BUCKET, "object", target)

        def use(client: oss_resumable.Client = client) -> None:
            with contextlib.suppress(ValueError):
                while True:
                    client.set_bandwidth(0)

        user = threading.Thread(target=use)
        user.start()
        client.close()
        assert download.status().phase is Phase.FAILED
        user.join()
    programs.until(lambda: threads() <= before, "the last threads have ended")


def test_a_client_may_be_closed_by_its_own_callables(server: Server, target: Path) -> None:
    server.put("object")
    before = threads()
    closed: list[int] = []

    def trace(_: object) -> None:
        client.close()
        closed.append(1)

    client = server.client(trace=trace)
    with pytest.raises((CancelledError, ValueError)):
        client.download(BUCKET, "object", target, part_size=oss_resumable.MIN_PART_SIZE)
    assert closed
    programs.until(lambda: threads() <= before, "its threads have ended")


def test_a_client_is_closed_also_when_no_thread_can_be_started_for_it(
    slow: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    client = slow.client()
    download = client.start(BUCKET, "object", target)
    monkeypatch.setattr(_thread, "start_new_thread", refused)
    client.close()
    assert download.status().phase is Phase.FAILED


def test_reading_a_queue_that_is_closed_meanwhile_is_a_cancelled_error() -> None:
    queue = oss_resumable.EventQueue()
    reader = threading.get_ident()

    def close() -> None:
        programs.until(lambda: sys._current_frames()[reader].f_code.co_name == "_next", "it is being read")
        time.sleep(0.02)
        queue.close()

    closing = threading.Thread(target=close)
    closing.start()
    with pytest.raises(CancelledError):
        queue.next()
    closing.join()
    with pytest.raises(ValueError, match="the event queue is closed"):
        queue.next()


# Event loops


def test_a_loop_that_ends_while_downloads_run_is_released(slow: Server, tmp_path: Path) -> None:
    def queues() -> int:
        return sum(one.free == lib.oss_resumable_event_queue_free for one in list(_handle._life.owned))

    with slow.client() as client:
        loops = []

        async def main(number: int) -> object:
            loops.append(weakref.ref(asyncio.get_running_loop()))
            return client.start_async(BUCKET, "object", tmp_path / str(number))

        asyncio.run(main(0))
        gc.collect()
        before = queues()
        for number in range(3):
            asyncio.run(main(number + 1))
        gc.collect()
        assert [loop() for loop in loops[:-1]] == [None] * 3
        programs.until(lambda: queues() <= before, "their queues are freed")


def test_a_client_is_closed_at_the_end_of_async_with_also_when_the_loop_has_no_thread_to_spare(server: Server) -> None:
    busy = threading.Event()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(1))
        waiting = loop.run_in_executor(None, busy.wait)
        try:
            async with server.client() as client:
                pass
            with pytest.raises(ValueError, match="the client is closed"):
                client.pause()
            assert not waiting.done()
        finally:
            busy.set()
            await waiting

    asyncio.run(asyncio.wait_for(main(), 10))
