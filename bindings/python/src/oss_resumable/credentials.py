"""What a program's own callables return to a client."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Credentials(NamedTuple):
    """A key of the service. ``repr`` shows no secret."""

    access_key_id: str
    """Access key id."""
    access_key_secret: str
    """Access key secret."""
    security_token: str | None = None
    """Security token of temporary credentials."""
    expires: float | datetime | None = None
    """When it expires: seconds since 1970-01-01 UTC, or a ``datetime`` with a time zone. ``None`` or 0: unknown."""

    def __repr__(self) -> str:
        return f"Credentials(access_key_id={self.access_key_id!r}, access_key_secret=…)"


class DecryptionKey(NamedTuple):
    """An RSA private key that unwraps the content keys of encrypted objects. ``repr`` shows no secret."""

    pem: str
    """The key in PEM, PKCS #1 or PKCS #8, not protected by a password."""
    matdesc: str | None = None
    """Description of the key pair, a JSON object of strings, as it was given for the upload.

    ``None``: the key is used for every object whose description no other key has.
    """

    def __repr__(self) -> str:
        return f"DecryptionKey(pem=…, matdesc={self.matdesc!r})"


class ContentKey(NamedTuple):
    """What ``key_unwrapper`` of a client returns. ``repr`` shows no secret."""

    key: bytes
    """The content key: 32 bytes."""
    iv: bytes
    """The initial counter block: 16 bytes."""

    def __repr__(self) -> str:
        return "ContentKey(key=…, iv=…)"


def unix_milliseconds(expires: float | datetime | None) -> int:
    """A time of expiry in milliseconds since 1970-01-01 UTC; 0 when it is unknown."""
    if expires is None:
        return 0
    if isinstance(expires, datetime):
        if expires.tzinfo is None:
            raise ValueError("expires has no time zone")
        expires = expires.timestamp()
    if not isinstance(expires, (int, float)) or isinstance(expires, bool):
        raise TypeError(f"expires must be a number of seconds or a datetime, not {type(expires).__name__}")
    # False for NaN, too.
    if not 0 <= expires < 2**53:
        raise ValueError("expires must be a number of seconds since 1970-01-01 UTC")
    return int(expires * 1000)
