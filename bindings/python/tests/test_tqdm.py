"""Progress bars."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

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
