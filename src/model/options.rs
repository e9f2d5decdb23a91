//! Options of a client.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::credentials::Credentials;
use super::encryption::{DecryptionKey, KeyUnwrapper};
use super::trace::{RequestTrace, TraceSink};

/// The signature algorithm for requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureVersion {
    /// `OSS4-HMAC-SHA256`; needs the region.
    #[default]
    V4,
    /// HMAC-SHA1.
    V1,
}

/// The position of the bucket name in the URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressStyle {
    /// Virtual-host style, path style for IP addresses and `localhost`.
    #[default]
    Auto,
    /// `https://endpoint/bucket/key`
    Path,
    /// The endpoint is a custom domain bound to the bucket: `https://endpoint/key`.
    Cname,
}

/// The protocol of the connection to a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyScheme {
    /// Not encrypted; `https` endpoints are reached through a tunnel (`CONNECT`).
    #[default]
    Http,
    /// TLS; the proxy's certificate is verified against the system's certificate authorities.
    Https,
}

/// The proxy for all requests. `Debug` hides user and password.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proxy {
    /// The protocol of the connection to the proxy.
    pub scheme: ProxyScheme,
    /// Host name or address.
    pub host: String,
    /// Port; 0 is libcurl's default, 1080 for `http` and 443 for `https`.
    pub port: u16,
    /// User name, if the proxy requires one.
    pub user: Option<String>,
    /// Password of the user.
    pub password: Option<Zeroizing<String>>,
}

impl Proxy {
    /// An HTTP proxy without a user.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Proxy { scheme: ProxyScheme::Http, host: host.into(), port, user: None, password: None }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({}:{})", self.scheme, self.host, self.port)
    }
}

/// The level of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// The download fails because of it.
    Error = 1,
    /// A problem from which the download may recover.
    Warn = 2,
    /// One line for each step of a download.
    Info = 3,
    /// One line for each request.
    Debug = 4,
}

/// Receives log lines. Called on threads of the client, and by a listing on the thread that asks for an entry, possibly on
/// several at once. Lines never contain secrets.
pub type LogSink = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

/// A failed attempt, passed to a [`RetryDecision`].
#[derive(Clone, Copy, Debug)]
pub struct FailedAttempt<'a> {
    /// Number of attempts since the last new byte, this one included.
    pub attempts: u32,
    /// HTTP status, or 200000 + CURLcode.
    pub status: i64,
    /// The error's code.
    pub code: &'a str,
    /// The error's message.
    pub message: &'a str,
    /// Whether the library's own policy would retry.
    pub would_retry: bool,
}

/// The answer of a [`RetryDecision`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryVerdict {
    /// Apply the library's own policy.
    Default,
    /// Retry after this delay, whatever the library's own policy says. Integrity checks still apply.
    After(Duration),
    /// Give up.
    Stop,
}

/// Decides whether failed attempts are retried, instead of the library's own policy. Called on the threads on which a
/// [`LogSink`] is.
pub type RetryDecision = Arc<dyn Fn(FailedAttempt<'_>) -> RetryVerdict + Send + Sync>;

/// Options of a client. Only `endpoint` is required, and a client that only downloads from URLs does not need it
/// ([`ClientOptions::for_urls`]).
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientOptions {
    /// `[http[s]://]host[:port]`; `https://` when no scheme is given. Empty: the client only downloads from URLs
    /// ([`DownloadRequest::url`](crate::DownloadRequest::url)); a request for a bucket is a `ValidateError`.
    pub endpoint: String,
    /// Region id such as `cn-hangzhou`; default: taken from the endpoint. V4 signatures need it.
    pub region: Option<String>,
    /// Where credentials come from; default: the environment.
    pub credentials: Credentials,
    /// Signature algorithm; default V4.
    pub signature: SignatureVersion,
    /// The position of the bucket name in the URL.
    pub address_style: AddressStyle,
    /// Longest time for name lookup, connection and TLS handshake together. Default 5 s; `None`: no limit.
    pub connect_timeout: Option<Duration>,
    /// Longest time without receiving a byte on a connection. Default 10 s; `None`: no limit.
    pub idle_timeout: Option<Duration>,
    /// Maximum number of attempts before the run has received its first byte, and afterwards for replies that are unusable
    /// or refuse the credentials. 1: no retry at any time. Default 3.
    pub max_attempts: u32,
    /// Longest time spent on attempts while the run has not received a byte. Default 10 s.
    pub first_byte_limit: Option<Duration>,
    /// After the first byte: longest time without a new one, over all connections and retries.
    /// Default 120 s; `None`: no limit.
    pub no_progress_limit: Option<Duration>,
    /// Longest time for which the service may throttle a download (503, 429, `Retry-After`) while no byte arrives.
    /// Throttled requests do not count as failed attempts. Default 60 s; `None`: no limit.
    pub throttle_limit: Option<Duration>,
    /// Verify the server's certificate and name. Default on.
    pub verify_tls: bool,
    /// File of trusted CA certificates (PEM), used instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Directory of trusted CA certificates, used in addition to the file. `openssl rehash` gives the files the names that
    /// they need.
    pub ca_path: Option<PathBuf>,
    /// Proxy for all requests. Default: the environment variables `http_proxy`, `https_proxy` and `all_proxy` apply. In
    /// both cases, hosts listed in the environment variable `no_proxy` are reached directly.
    pub proxy: Option<Proxy>,
    /// Local network interface, host name or address from which connections are made.
    pub network_interface: Option<String>,
    /// Bandwidth limit in body bytes per second, over all downloads and connections of the client; 0: no limit.
    pub max_bandwidth: u64,
    /// Correct the time used in signatures when the service reports that the clock is wrong. Default on.
    pub correct_clock: bool,
    /// Compare the whole object's CRC-64 with the service's. Default on. Without it, an object that grows during the
    /// download is a changed one, and a service that refuses the ETag it sends is an error.
    pub verify_crc: bool,
    /// Value of the `User-Agent` header; default: the library's own.
    pub user_agent: Option<String>,
    /// Largest number of transfer threads; 0: one for each processor, at most 4.
    pub max_workers: u32,
    /// Receives log lines.
    pub log: Option<LogSink>,
    /// Most verbose level passed to `log`. Default [`LogLevel::Info`].
    pub log_level: LogLevel,
    /// Decides whether failed attempts are retried; default: the library's own policy.
    pub retry: Option<RetryDecision>,
    /// Keys for objects that were encrypted on the client side, chosen by their descriptions; no two may have the same.
    pub decryption_keys: Vec<DecryptionKey>,
    /// Unwraps the content keys of encrypted objects for which no decryption key is.
    pub key_unwrapper: Option<Arc<dyn KeyUnwrapper>>,
    /// Largest number of downloads that run at once; 0: [`DEFAULT_MAX_ACTIVE_DOWNLOADS`]. Further downloads wait in a queue, where they have no
    /// thread and no connection. They start by [`DownloadRequest::priority`](crate::DownloadRequest::priority), then in
    /// the order of their calls. No more downloads run than `max_connections` allows.
    pub max_active_downloads: u32,
    /// Largest number of requests in flight, over all downloads of the client, each on a connection of its own; 0:
    /// [`DEFAULT_MAX_CONNECTIONS`].
    /// Running downloads share the connections evenly; those that one cannot use go to the others. About as many idle
    /// connections may stay open for later requests. See
    /// [`Client::set_max_connections`](crate::Client::set_max_connections).
    pub max_connections: u32,
    /// Receives a trace of each request; default: none are made.
    pub trace: Option<TraceSink>,
}

/// Default of [`ClientOptions::max_active_downloads`].
pub const DEFAULT_MAX_ACTIVE_DOWNLOADS: u32 = 16;
/// Default of [`ClientOptions::max_connections`].
pub const DEFAULT_MAX_CONNECTIONS: u32 = 64;

/// The number of connections that a value of `max_connections` means.
pub fn max_connections(value: u32) -> u32 {
    if value == 0 { DEFAULT_MAX_CONNECTIONS } else { value }
}

/// The number of downloads that a value of `max_active_downloads` means.
pub fn max_active_downloads(value: u32) -> u32 {
    if value == 0 { DEFAULT_MAX_ACTIVE_DOWNLOADS } else { value }
}

impl ClientOptions {
    /// Options with every default for a client that only downloads from URLs. It has no endpoint.
    pub fn for_urls() -> Self {
        ClientOptions::new("")
    }

    /// Options for `endpoint` with every default.
    pub fn new(endpoint: impl Into<String>) -> Self {
        ClientOptions {
            endpoint: endpoint.into(),
            region: None,
            credentials: Credentials::Environment,
            signature: SignatureVersion::V4,
            address_style: AddressStyle::Auto,
            connect_timeout: Some(Duration::from_secs(5)),
            idle_timeout: Some(Duration::from_secs(10)),
            max_attempts: 3,
            first_byte_limit: Some(Duration::from_secs(10)),
            no_progress_limit: Some(Duration::from_secs(120)),
            throttle_limit: Some(Duration::from_secs(60)),
            verify_tls: true,
            ca_file: None,
            ca_path: None,
            proxy: None,
            network_interface: None,
            max_bandwidth: 0,
            correct_clock: true,
            verify_crc: true,
            user_agent: None,
            max_workers: 0,
            log: None,
            log_level: LogLevel::Info,
            retry: None,
            decryption_keys: Vec::new(),
            key_unwrapper: None,
            max_active_downloads: 0,
            max_connections: 0,
            trace: None,
        }
    }

    /// Sets the region.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets the credentials.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// Sets the receiver of log lines.
    #[must_use]
    pub fn log(mut self, sink: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Self {
        self.log = Some(Arc::new(sink));
        self
    }

    /// Sets the receiver of the traces of requests.
    #[must_use]
    pub fn trace(mut self, sink: impl Fn(RequestTrace) + Send + Sync + 'static) -> Self {
        self.trace = Some(Arc::new(sink));
        self
    }

    /// Sets what decides whether failed attempts are retried.
    #[must_use]
    pub fn retry(
        mut self,
        decision: impl Fn(FailedAttempt<'_>) -> RetryVerdict + Send + Sync + 'static,
    ) -> Self {
        self.retry = Some(Arc::new(decision));
        self
    }

    /// Sets what unwraps the content keys of encrypted objects for which no decryption key is.
    #[must_use]
    pub fn key_unwrapper(mut self, unwrapper: impl KeyUnwrapper + 'static) -> Self {
        self.key_unwrapper = Some(Arc::new(unwrapper));
        self
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}
