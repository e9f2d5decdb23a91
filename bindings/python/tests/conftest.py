"""A server for each test that asks for one, and objects in it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import oss_resumable
import programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[3]
BUCKET = "examplebucket"


def pytest_configure() -> None:
    """Lets Ctrl-C interrupt the tests and the programs that they start: a shell's background job ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def local_oss() -> str:
    """The program ``local-oss``: ``LOCAL_OSS``, or cargo's debug build."""
    return os.environ.get("LOCAL_OSS") or str(ROOT / "target/debug/local-oss")


class Server:
    """A running ``local-oss``, which serves the files of a folder."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.log_file = folder.parent / "server.log"
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [local_oss(), "--folder", str(folder), "--log", *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("listening on "), line
        self.endpoint = line.split()[-1]

    def put(self, key: str, size: int = 1_000_000) -> bytes:
        """Makes an object of random bytes."""
        content = os.urandom(size)
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return content

    def requests(self, count: int = 0) -> list[str]:
        """The lines of the server's log, one for each request. Waits for `count` of them: some may come late."""
        programs.until(lambda: len(self.log_file.read_text().splitlines()) >= count, f"{count} requests are logged")
        return self.log_file.read_text().splitlines()

    def client(self, **options: Any) -> oss_resumable.Client:
        """A client that sends requests without a signature, unless the options say otherwise."""
        keys = ("credentials", "access_key_id", "credentials_provider", "anonymous")
        if not any(name in options for name in keys):
            options["anonymous"] = True
        return oss_resumable.Client(self.endpoint, **options)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="session", autouse=True)
def reaper() -> None:
    """The package's own thread, which the first object starts: it is there when tests count threads."""
    oss_resumable.EventQueue().close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers with the given arguments."""
    servers: list[Server] = []

    def start(*arguments: str) -> Server:
        folder = tmp_path / "objects"
        folder.mkdir(exist_ok=True)
        servers.append(Server(folder, *arguments))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    """A server without faults."""
    return serve()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The file to download to."""
    return tmp_path / "target.bin"
