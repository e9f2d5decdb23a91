//! How a client reaches the service.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::credentials::Credentials;

/// Which OSS signature algorithm signs requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureVersion {
    /// `OSS4-HMAC-SHA256`; needs the region.
    #[default]
    V4,
    /// HMAC-SHA1.
    V1,
}

/// Where the bucket's name stands in the URL.
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

/// How the connection to a proxy is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyScheme {
    /// In the clear; `https` endpoints are reached through a tunnel.
    #[default]
    Http,
    /// Over TLS; the proxy's certificate is verified against the system's authorities.
    Https,
}

/// The proxy that all requests go through. `Debug` hides user and password.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proxy {
    /// How the connection to the proxy is made.
    pub scheme: ProxyScheme,
    /// Host name or address.
    pub host: String,
    /// Port; 0 is libcurl's default, 1080 for `http` and 443 for `https`.
    pub port: u16,
    /// User, when the proxy asks for one.
    pub user: Option<String>,
    /// The user's password.
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

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// The download fails because of it.
    Error = 1,
    /// Something went wrong and is being dealt with.
    Warn = 2,
    /// One line for each step of a download.
    Info = 3,
    /// One line for each request.
    Debug = 4,
}

/// Receives log lines, on threads of the client's own. Lines never hold secrets.
pub type LogSink = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

/// A failed attempt, as shown to a [`RetryDecision`].
#[derive(Clone, Copy, Debug)]
pub struct FailedAttempt<'a> {
    /// Attempts without a new byte so far, this one included.
    pub attempts: u32,
    /// HTTP status, or 200000 + CURLcode.
    pub status: i64,
    /// The error's code.
    pub code: &'a str,
    /// The error's message.
    pub message: &'a str,
    /// Whether the built-in policy would try again.
    pub would_retry: bool,
}

/// What a retry decider wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryVerdict {
    /// What the built-in policy says.
    Default,
    /// Try again after this delay, whatever the built-in policy says (integrity checks still hold).
    After(Duration),
    /// Give up.
    Stop,
}

/// Decides about failed attempts in the built-in policy's place; called on a thread of the client's own.
pub type RetryDecision = Arc<dyn Fn(FailedAttempt<'_>) -> RetryVerdict + Send + Sync>;

/// How a client reaches the service. Only `endpoint` is required.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientOptions {
    /// `[http[s]://]host[:port]`; `https://` when no scheme is given.
    pub endpoint: String,
    /// Region id such as `cn-hangzhou`; default: taken from the endpoint. V4 signatures need it.
    pub region: Option<String>,
    /// Where credentials come from; default: the environment.
    pub credentials: Credentials,
    /// Signature algorithm; default V4.
    pub signature: SignatureVersion,
    /// Where the bucket's name stands in the URL.
    pub address_style: AddressStyle,
    /// Longest time to look up, connect and shake hands. Default 5 s; `None`: no limit.
    pub connect_timeout: Option<Duration>,
    /// Longest time without a byte. Default 10 s; `None`: no limit.
    pub idle_timeout: Option<Duration>,
    /// Attempts while the run has not received a byte; 1 = no retry. Default 3.
    pub max_attempts: u32,
    /// Longest time spent on attempts while the run has not received a byte. Default 10 s.
    pub first_byte_limit: Option<Duration>,
    /// After the first byte: longest time without a new one, over all connections and retries.
    /// Default 120 s; `None`: no limit.
    pub no_progress_limit: Option<Duration>,
    /// Longest time that the service may throttle a download (503, 429, `Retry-After`) while no byte comes; `None` is no
    /// limit. Throttled requests are no failed attempts.
    pub throttle_limit: Option<Duration>,
    /// Verify the server's certificate and name. Default on.
    pub verify_tls: bool,
    /// Trust these certificates (PEM) instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Trust the certificates in this hashed directory as well.
    pub ca_path: Option<PathBuf>,
    /// Send everything through this proxy; default: what `http_proxy` and its like in the environment say. Either way
    /// hosts that `no_proxy` there lists are reached without it.
    pub proxy: Option<Proxy>,
    /// Network interface, host name or address that connections leave from.
    pub network_interface: Option<String>,
    /// Most body bytes a second, of all downloads and connections together; 0 is no limit.
    pub max_bandwidth: u64,
    /// Correct the request time when the service says the clock is wrong. Default on.
    pub correct_clock: bool,
    /// Compare the whole object's CRC-64 with the service's. Default on.
    pub verify_crc: bool,
    /// Replaces the `User-Agent`.
    pub user_agent: Option<String>,
    /// Most transfer threads; 0 means one for each processor, at most 4.
    pub max_workers: u32,
    /// Receives log lines.
    pub log: Option<LogSink>,
    /// Most verbose level sent to `log`. Default [`LogLevel::Info`].
    pub log_level: LogLevel,
    /// Decides about failed attempts.
    pub retry: Option<RetryDecision>,
}

impl ClientOptions {
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
