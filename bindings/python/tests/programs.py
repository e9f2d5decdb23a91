"""Python programs that tests run as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from pathlib import Path


def start(code: str, *arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
    """Starts a program; its output can be read."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def run(code: str, *arguments: str | Path, status: int = 0, **environment: str) -> str:
    """Runs a program to its end, which must have this status; returns what it printed."""
    process = start(code, *arguments, **environment)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status, f"status {process.returncode}:\n{out}{err}"
    return out


def until(condition: Callable[[], object], what: str) -> None:
    """Waits until something has happened."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.005)
