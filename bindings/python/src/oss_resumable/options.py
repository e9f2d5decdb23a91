"""How a client connects, signs, retries and reports: the options of a client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable, TypedDict

from . import _callbacks, _log
from ._fields import (
    Field,
    Number,
    Path,
    Seconds,
    Switch,
    Text,
    Time,
    callable_of,
    filled,
    items,
    named,
    wrong_type,
)
from ._native import CData, ffi
from ._text import StrPath, encoded
from .credentials import ContentKey, Credentials, DecryptionKey
from .enums import AddressStyle, LogLevel, ProxyScheme, SignatureVersion
from .records import FailedAttempt, TraceRecord, WrappedKey


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of a client, besides ``endpoint``.

    Each is the field of ``oss_resumable_client_options`` in the C header with the same name, where its default is. An
    argument that is ``None`` or missing leaves the field at it; so does the time 0. Callables run on threads of the
    library, possibly on several at once; what they raise is logged with its traceback. They must not start downloads or
    wait for them, and cannot be coroutine functions.
    """

    region: str | None
    """Region id such as ``cn-hangzhou``. Without it, it is taken from the endpoint."""
    credentials: Credentials | Callable[[], Credentials] | None
    """A key, or a callable that returns one; in place of the next four arguments.

    A key is used as it is: its ``expires`` counts only if a callable returns it.

    Without credentials and ``anonymous`` they come from the environment: ``OSS_ACCESS_KEY_ID``,
    ``OSS_ACCESS_KEY_SECRET`` and ``OSS_SESSION_TOKEN``, read when a download starts."""
    access_key_id: str | None
    """Access key id; together with ``access_key_secret``."""
    access_key_secret: str | None
    """Access key secret."""
    security_token: str | None
    """Security token of temporary credentials."""
    credentials_provider: Callable[[], Credentials] | None
    """Returns a key: before the first request, shortly before it expires, and when the service says that it has.

    It may block; it is not called concurrently for one client. What it raises becomes the error of the downloads that
    need the key, so it must not contain secrets."""
    anonymous: bool | None
    """Send requests without a signature."""
    retry_decision: Callable[[FailedAttempt], Seconds | None] | None
    """Decides whether a failed attempt is retried: returns a delay in seconds, ``RETRY_STOP``, or ``None`` or
    ``RETRY_DEFAULT`` for the library's own policy. If it raises or returns something else, a negative number for
    instance, the attempt is not retried. It must not block for long."""
    log: Callable[[int, str], None] | None
    """Receives log lines: a :class:`LogLevel <oss_resumable.LogLevel>` and a text. It must not block for long.

    Without it they go to the logger ``oss_resumable`` of ``logging``."""
    log_level: LogLevel | None
    """Most verbose level passed to ``log``. For the logger: the level for which it is enabled when the client is
    created, because each line costs the library's threads a wait for the interpreter."""
    trace: Callable[[TraceRecord], None] | None
    """Receives a record of each request. It must not block for long, because the download waits for it."""
    ca_file: StrPath | None
    """File of trusted CA certificates (PEM), used instead of the system's."""
    ca_path: StrPath | None
    """Directory of trusted CA certificates, used in addition to the file."""
    verify_tls: bool | None
    """Verify the server's certificate and name."""
    user_agent: str | None
    """Value of the ``User-Agent`` header."""
    connect_timeout: Seconds | None
    """Longest time for name lookup, connection and TLS handshake together. −1: no limit."""
    idle_timeout: Seconds | None
    """Longest time without receiving a byte on a connection. −1: no limit."""
    first_byte_limit: Seconds | None
    """Longest time spent on attempts before a download receives its first byte. −1: no limit."""
    no_progress_limit: Seconds | None
    """After the first byte: longest time without a new one, over all connections and retries. −1: no limit."""
    throttle_limit: Seconds | None
    """Longest time for which the service may throttle a download while no byte arrives. −1: no limit."""
    max_attempts: int | None
    """Largest number of attempts before the first byte, and afterwards for unusable replies. 1: no retry at any
    time."""
    max_workers: int | None
    """Largest number of transfer threads, which serve all connections of the client."""
    max_active_downloads: int | None
    """Largest number of downloads that run at once; the others are queued, without a thread."""
    max_connections: int | None
    """Largest number of requests in flight, over all downloads of the client."""
    max_bandwidth: int | None
    """Bandwidth limit in body bytes per second, over all downloads of the client. 0: no limit."""
    signature_version: SignatureVersion | None
    """How requests are signed."""
    address_style: AddressStyle | None
    """Where the bucket's name is in a URL."""
    verify_crc: bool | None
    """Compare the whole object's CRC-64 with the service's."""
    correct_clock: bool | None
    """Correct the time used in signatures when the service reports that the clock is wrong."""
    proxy_host: str | None
    """Proxy for all requests. Without it, the environment variables ``http_proxy``, ``https_proxy`` … apply."""
    proxy_port: int | None
    """Port of the proxy."""
    proxy_scheme: ProxyScheme | None
    """How the proxy is reached."""
    proxy_user: str | None
    """User name for the proxy."""
    proxy_password: str | None
    """Password for the proxy."""
    network_interface: str | None
    """Local network interface, host name or address from which connections are made."""
    decryption_keys: Iterable[DecryptionKey] | None
    """Keys for objects that were encrypted on the client side."""
    key_unwrapper: Callable[[WrappedKey], ContentKey] | None
    """Unwraps the content keys of encrypted objects for which no decryption key is, by a key management service for
    instance. It may block. What it raises becomes the error of the download."""


class _DecryptionKeys(Field):
    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        name, count = self.fields
        keys = items(name, value, "a list of DecryptionKey")
        array = ffi.new("oss_resumable_decryption_key[]", len(keys))
        for i, key in enumerate(keys):
            if not isinstance(key, DecryptionKey):
                raise wrong_type(f"{name}[{i}]", "a DecryptionKey", key)
            pem = ffi.new("char[]", encoded("pem", key.pem))
            matdesc = ffi.NULL if key.matdesc is None else ffi.new("char[]", encoded("matdesc", key.matdesc))
            keep += (pem, matdesc)
            array[i].pem, array[i].matdesc = pem, matdesc
        keep.append(array)
        setattr(struct, name, array)
        setattr(struct, count, len(keys))


class _Callable(Field):
    """A callable, which the library is given last; see :class:`PreparedOptions`."""

    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        callable_of(self.fields[0], value)


FIELDS = named(
    Text("endpoint"),
    Text("region"),
    Text("access_key_id"),
    Text("access_key_secret"),
    Text("security_token"),
    _Callable("credentials_provider"),
    Switch("anonymous"),
    _Callable("retry_decision"),
    _Callable("log"),
    Number("log_level"),
    _Callable("trace", "trace_user_data", "trace_user_data_free"),
    Path("ca_file"),
    Path("ca_path"),
    Switch("verify_tls"),
    Text("user_agent"),
    Time("connect_timeout_ms"),
    Time("idle_timeout_ms"),
    Time("first_byte_limit_ms"),
    Time("no_progress_limit_ms"),
    Time("throttle_limit_ms"),
    Number("max_attempts"),
    Number("max_workers"),
    Number("max_active_downloads"),
    Number("max_connections"),
    Number("max_bandwidth"),
    Number("signature_version"),
    Number("address_style"),
    Switch("verify_crc"),
    Switch("correct_clock"),
    Text("proxy_host"),
    Number("proxy_port"),
    Number("proxy_scheme"),
    Text("proxy_user"),
    Text("proxy_password"),
    Text("network_interface"),
    _DecryptionKeys("decryption_keys", "decryption_keys_count"),
    _Callable("key_unwrapper", "key_unwrapper_user_data", "key_unwrapper_user_data_free"),
)

_CALLABLES = ("credentials_provider", "retry_decision", "log", "trace", "key_unwrapper")


def _with_credentials(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with `credentials` in its place."""
    options = dict(options)
    credentials = options.pop("credentials", None)
    if credentials is None:
        return options
    if isinstance(credentials, Credentials):
        fields: dict[str, Any] = {
            "access_key_id": credentials.access_key_id,
            "access_key_secret": credentials.access_key_secret,
            "security_token": credentials.security_token,
        }
    else:
        fields = {"credentials_provider": callable_of("credentials", credentials, "Credentials or ")}
    for name in ("access_key_id", "access_key_secret", "security_token", "credentials_provider"):
        if options.get(name) is not None:
            raise TypeError(f"credentials cannot be combined with {name}")
    return {**options, **fields}


class PreparedOptions:
    """Options for the library; :meth:`struct` passes them to one call. The client keeps the callables."""

    __slots__ = ("_keep", "_struct", "callables")

    def __init__(self, options: Mapping[str, Any]) -> None:
        options = _with_credentials(options)
        if options.get("log") is None and options.get("log_level") is None:
            options["log_level"] = _log.wanted_level()
        self._keep: list[Any] = []
        self._struct = filled("oss_resumable_client_options", FIELDS, options, self._keep)
        self.callables = _callbacks.Callables(**{name: options.get(name) for name in _CALLABLES})

    def struct(self) -> CData:
        """The struct, with what stands for the callables."""
        struct, calls = self._struct, self.callables.calls
        struct.log = _callbacks.log()
        if calls["credentials_provider"] is not None:
            struct.credentials_provider = _callbacks.credentials_provider()
        if calls["retry_decision"] is not None:
            struct.retry_decision = _callbacks.retry_decision()
        struct.user_data = _callbacks.user_data(self.callables)
        for name in ("trace", "key_unwrapper"):
            if calls[name] is not None:
                setattr(struct, name, getattr(_callbacks, name)())
                setattr(struct, name + "_user_data", _callbacks.user_data(self.callables))
        return struct
