"""Objects that were encrypted on the client side."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import oss_resumable
from conftest import BUCKET, ROOT
from oss_resumable import ContentKey, DecryptionKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Server

DATA = ROOT / "tests/data/encryption"
KEY, IV = os.urandom(32), os.urandom(12) + bytes(4)
MATDESC = {"owner": "tests", "number": "1"}


def openssl(*arguments: str, data: bytes) -> bytes:
    return subprocess.run(["openssl", *arguments], input=data, stdout=subprocess.PIPE, check=True).stdout


def by_rsa(data: bytes) -> bytes:
    return openssl("pkeyutl", "-encrypt", "-inkey", str(DATA / "first.pem"), data=data)


def put_encrypted(server: Server, wrap_algorithm: str, wrap: Callable[[bytes], bytes]) -> bytes:
    """Makes an object as the SDKs encrypt it; returns its content."""
    content = server.put("object")
    path = server.folder / "object"
    path.write_bytes(openssl("enc", "-aes-256-ctr", "-K", KEY.hex(), "-iv", IV.hex(), data=content))
    metadata = {
        "key": base64.b64encode(wrap(KEY)).decode(),
        "start": base64.b64encode(wrap(IV)).decode(),
        "cek-alg": "AES/CTR/NoPadding",
        "wrap-alg": wrap_algorithm,
        "matdesc": json.dumps(MATDESC),
    }
    lines = [f"x-oss-meta-client-side-encryption-{name}: {value}\n" for name, value in metadata.items()]
    (server.folder / "object.headers").write_text("".join(lines))
    return content


def test_an_object_is_decrypted_by_the_key_of_its_description(serve: Callable[..., Server], target: Path) -> None:
    server = serve()
    content = put_encrypted(server, "RSA/NONE/PKCS1Padding", by_rsa)
    right = DecryptionKey((DATA / "first.pem").read_text(), json.dumps({"number": "1", "owner": "tests"}))
    with server.client(decryption_keys=[DecryptionKey((DATA / "second.pem").read_text()), right]) as client:
        result = client.download(BUCKET, "object", target)
    assert target.read_bytes() == content
    assert result.proof.name == "OBJECT_CRC"
    with server.client() as client, pytest.raises(oss_resumable.OssResumableError, match="encrypted"):
        client.download(BUCKET, "object", target)
    with server.client() as client:
        client.download(BUCKET, "object", target, allow_encrypted=True)
    assert target.read_bytes() == (server.folder / "object").read_bytes()


def test_a_callable_unwraps_the_content_key(serve: Callable[..., Server], target: Path) -> None:
    server = serve()
    content = put_encrypted(server, "KMS/ALICLOUD", lambda data: data[::-1])
    asked: list[oss_resumable.WrappedKey] = []

    def unwrap(wrapped: oss_resumable.WrappedKey) -> ContentKey:
        asked.append(wrapped)
        return ContentKey(wrapped.encrypted_key[::-1], wrapped.encrypted_iv[::-1])

    with server.client(key_unwrapper=unwrap) as client:
        client.download(BUCKET, "object", target)
    assert target.read_bytes() == content
    (wrapped,) = asked
    assert (wrapped.bucket, wrapped.key, wrapped.wrap_algorithm) == (BUCKET, "object", "KMS/ALICLOUD")
    assert wrapped.description == {"owner": "tests", "number": "1"}
    assert json.loads(wrapped.matdesc or "") == MATDESC


def test_an_unwrapper_that_raises_or_is_wrong_is_the_error(serve: Callable[..., Server], target: Path) -> None:
    server = serve()
    put_encrypted(server, "KMS/ALICLOUD", lambda data: data)

    def fails(_: oss_resumable.WrappedKey) -> ContentKey:
        raise PermissionError("the key service says no")

    with server.client(key_unwrapper=fails) as client:
        with pytest.raises(oss_resumable.OssResumableError, match="PermissionError: the key service says no") as caught:
            client.download(BUCKET, "object", target)
    assert isinstance(caught.value.__cause__, PermissionError)
    # As sizes of `bytes`, these would be a key of zeros.
    numbers: Any = (32, 16)
    with server.client(key_unwrapper=lambda _: numbers) as client:
        with pytest.raises(oss_resumable.OssResumableError, match="not 'int'"):
            client.download(BUCKET, "object", target)
    with server.client(key_unwrapper=lambda _: (b"short", b"iv")) as client:
        with pytest.raises(oss_resumable.OssResumableError, match="32"):
            client.download(BUCKET, "object", target)
