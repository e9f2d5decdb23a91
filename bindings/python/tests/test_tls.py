"""Certificates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import oss_resumable
import programs
from conftest import BUCKET
from oss_resumable._native import library_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Server

USES_SYSTEM = b"libcurl.so.4" in Path(library_path()).read_bytes()


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


@pytest.mark.skipif(USES_SYSTEM, reason="the library uses the system's libcurl")
def test_a_library_with_an_openssl_of_its_own_finds_the_authorities(
    serve: Callable[..., Server], tmp_path: Path, target: Path
) -> None:
    ca_file = tmp_path / "ca.pem"
    server = serve("--tls", "--ca-file", str(ca_file))
    content = server.put("object")
    program = """
        import sys, oss_resumable
        client = oss_resumable.Client(sys.argv[1], anonymous=True)
        print(client.download("examplebucket", "object", sys.argv[2]).size)
    """
    printed = programs.run(program, server.endpoint, target, SSL_CERT_FILE=str(ca_file))
    assert printed == f"{len(content)}\n"
