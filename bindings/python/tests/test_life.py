"""Processes, threads, memory: what is created, and that it ends."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import threading
from typing import TYPE_CHECKING

import pytest

import oss_resumable
import programs
from conftest import BUCKET
from oss_resumable import _callbacks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Server


def threads() -> int:
    """The threads of this process, the library's included."""
    return len(os.listdir("/proc/self/task"))


def descriptors() -> int:
    """The open file descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))


def resident() -> int:
    """The resident memory of this process, in bytes."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def slow(serve: Callable[..., Server]) -> Server:
    """A server that needs seconds for an object."""
    server = serve("--rate", "100KB")
    server.put("object")
    return server


def test_a_download_that_nobody_keeps_is_cancelled_and_its_file_is_free(slow: Server, target: Path) -> None:
    with slow.client() as client:
        options = {"when_busy": oss_resumable.WhenBusy.WAIT}
        for _ in range(3):
            client.start(BUCKET, "object", target, **options)  # type: ignore[arg-type]
        cycle = [client.start(BUCKET, "object", target, **options)]  # type: ignore[arg-type]
        cycle.append(cycle)  # type: ignore[arg-type]
        del cycle
        gc.collect()
        with client.start(BUCKET, "object", target, **options) as download:  # type: ignore[arg-type]
            programs.until(lambda: download.status().bytes_done > 0, "the last one has the file")


def test_a_client_that_nobody_keeps_ends_its_threads(slow: Server, target: Path) -> None:
    before = threads()
    client = slow.client()
    client.start(BUCKET, "object", target)
    assert threads() > before
    del client
    programs.until(lambda: threads() == before, "its threads have ended")


def test_a_client_lives_as_long_as_its_downloads(server: Server, target: Path) -> None:
    content = server.put("object")
    download = server.client().start(BUCKET, "object", target)
    gc.collect()
    assert download.wait().size == len(content)


def test_nothing_is_left_of_a_thousand_downloads(server: Server, tmp_path: Path) -> None:
    server.put("object", 1000)
    requests = [
        oss_resumable.Request(
            url=f"{server.endpoint}/{BUCKET}/object", file_path=tmp_path / str(i), url_provider=str, flush=False
        )
        for i in range(200)
    ]
    before = (threads(), descriptors(), len(_callbacks._live))

    def run() -> None:
        with server.client() as client:
            client.download_many(requests)
            for i in range(50):
                client.download(BUCKET, "object", tmp_path / str(i), progress=str, flush=False)

    run()
    memory = resident()
    for _ in range(4):
        run()
    gc.collect()
    assert (threads(), descriptors(), len(_callbacks._live)) == before
    assert resident() < memory + 8_000_000


def test_a_thousand_downloads_at_once_need_few_threads(server: Server, tmp_path: Path) -> None:
    server.put("object", 1000)
    before = threads()
    most = 0

    def watch(_number: int, _outcome: object) -> None:
        nonlocal most
        most = max(most, threads() - before)

    requests = [oss_resumable.Request(BUCKET, "object", tmp_path / str(i), flush=False) for i in range(1000)]
    with server.client() as client:
        client.download_many(requests, on_end=watch)
    assert 0 < most <= oss_resumable.DEFAULT_MAX_ACTIVE_DOWNLOADS + 12


def test_a_program_may_end_while_downloads_run(slow: Server, target: Path) -> None:
    printed = programs.run(
        """
        import logging, sys, threading, oss_resumable
        logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
        endpoint, target = sys.argv[1:]
        client = oss_resumable.Client(endpoint, anonymous=True, trace=print)
        download = client.start("examplebucket", "object", target)
        threading.Thread(target=download.wait, daemon=True).start()
        with oss_resumable.EventQueue() as queue:
            other = client.start("examplebucket", "object", target + "2", event_queue=queue)
            queue.next()
        """,
        slow.endpoint,
        target,
    )
    assert "cancelled" in printed


def test_a_forked_child_gets_a_clear_error_and_may_use_a_client_of_its_own(server: Server, target: Path) -> None:
    server.put("object")
    printed = programs.run(
        """
        import os, sys, oss_resumable
        endpoint, target = sys.argv[1:]
        client = oss_resumable.Client(endpoint, anonymous=True)
        queue = oss_resumable.EventQueue()
        download = client.start("examplebucket", "object", target)
        download.wait()
        if os.fork() == 0:
            for call in (
                lambda: client.download("examplebucket", "object", target),
                download.status,
                download.wait,
                lambda: queue.next(1),
            ):
                try:
                    call()
                except oss_resumable.ForkedError as error:
                    print("forked:", error.kind.name)
            own = oss_resumable.Client(endpoint, anonymous=True)
            print(own.download("examplebucket", "object", target).size)
            sys.exit(0)
        print("child", os.wait()[1])
        print(client.download("examplebucket", "object", target).size)
        """,
        server.endpoint,
        target,
    )
    assert printed.splitlines() == ["forked: ERR_FORKED"] * 4 + ["1000000", "child 0", "1000000"]


def test_processes_that_are_spawned_make_their_own_clients(server: Server, tmp_path: Path) -> None:
    server.put("object")
    script = tmp_path / "script.py"
    script.write_text(
        """
import multiprocessing, sys, oss_resumable

def fetch(argument):
    endpoint, target, key = argument
    with oss_resumable.Client(endpoint, anonymous=True) as client:
        return client.download("examplebucket", key, target).to_dict()

if __name__ == "__main__":
    endpoint, directory = sys.argv[1:]
    with oss_resumable.Client(endpoint, anonymous=True) as client:
        client.download("examplebucket", "object", directory + "/first")
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            done = pool.map(fetch, [(endpoint, f"{directory}/{i}", "object") for i in range(2)])
            print([one["file_size"] for one in done])
            try:
                pool.map(fetch, [(endpoint, directory + "/3", "nothing")])
            except oss_resumable.ServiceError as error:
                print(error.code, error.status)
"""
    )
    printed = programs.run(
        "import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')", script, server.endpoint, tmp_path
    )
    assert printed == "[1000000, 1000000]\nNoSuchKey 404\n"


def test_what_belongs_to_this_process_is_not_pickled_or_copied(server: Server, target: Path) -> None:
    server.put("object")
    with server.client() as client, client.start(BUCKET, "object", target) as download:
        result = download.wait()
        for one in (client, download, result, oss_resumable.EventQueue(), client.list_objects(BUCKET)):
            for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
                with pytest.raises(TypeError, match=f"a {type(one).__name__} cannot be pickled or copied"):
                    attempt(one)
        assert pickle.loads(pickle.dumps(download.status())) == download.status()
        assert pickle.loads(pickle.dumps(result.statistics)) == result.statistics


def test_two_threads_close_and_use_a_client_at_the_same_time(server: Server, tmp_path: Path) -> None:
    server.put("object", 1000)
    for _ in range(20):
        client = server.client()

        def use(number: int, client: oss_resumable.Client = client) -> None:
            try:
                for i in range(100):
                    client.start(BUCKET, "object", tmp_path / f"{number}-{i}", flush=False)
            except (ValueError, oss_resumable.CancelledError):
                pass

        users = [threading.Thread(target=use, args=(number,)) for number in range(3)]
        for user in users:
            user.start()
        client.close()
        for user in users:
            user.join()


def test_importing_the_package_imports_nothing_large() -> None:
    imported = programs.run(
        "import sys; before = set(sys.modules); import oss_resumable; print(*sorted(set(sys.modules) - before))"
    ).split()
    assert "oss_resumable.client" in imported
    assert not {"asyncio", "concurrent", "dataclasses", "inspect", "json.tool", "logging", "tqdm"} & set(imported)
