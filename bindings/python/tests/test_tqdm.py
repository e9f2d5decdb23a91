"""Progress bars."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

import oss_resumable
from conftest import BUCKET
from oss_resumable.tqdm import tqdm_progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Server


def test_a_bar_shows_the_bytes_until_the_end(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--rate", "2MB")
    server.put("object", 1_048_576)
    out = io.StringIO()
    with server.client() as client:
        client.download(BUCKET, "object", target, progress=tqdm_progress(desc="object", file=out, mininterval=0))
    shown = out.getvalue().split("\r")
    assert "object: 100%" in shown[-1]
    assert "1.00M/1.00M" in shown[-1]
    assert shown[-1].endswith("\n")
    assert len(shown) > 3


def test_a_download_that_is_refused_has_no_bar(server: Server) -> None:
    out = io.StringIO()
    with server.client() as client, pytest.raises(oss_resumable.ValidationError):
        client.download("UPPER", "object", progress=tqdm_progress(file=out, mininterval=0))
    assert out.getvalue() == ""


def test_a_bar_is_closed_when_its_block_is_left(serve: Callable[..., Server], target: Path) -> None:
    server = serve("--rate", "100KB")
    server.put("object")
    out = io.StringIO()

    with server.client() as client, client.start(BUCKET, "object", target) as download:
        with tqdm_progress(file=out, mininterval=0) as progress:
            progress(download.status())
            assert out.getvalue()
            assert not out.getvalue().endswith("\n")
    assert out.getvalue().endswith("\n")
    with tqdm_progress():
        pass
