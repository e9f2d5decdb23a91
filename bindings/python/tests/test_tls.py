"""Certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import oss_resumable
from conftest import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Server


def test_the_servers_certificate_is_verified(serve: Callable[..., Server], tmp_path: Path, target: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    server = serve("--tls", "--ca-file", str(ca_file))
    content = server.put("object")
    with server.client() as client, pytest.raises(oss_resumable.TransportError, match="certificate") as caught:
        client.download(BUCKET, "object", target)
    assert caught.value.status == 200_060
    for options in ({"ca_file": ca_file}, {"verify_tls": False}):
        with server.client(**options) as client:
            assert client.download(BUCKET, "object", target).size == len(content)
