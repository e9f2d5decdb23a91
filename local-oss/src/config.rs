//! The configuration of a server, apart from faults.

use std::time::SystemTime;

use crate::tls::Tls;

/// The behaviour of a server. Each switch is for behaviour that varies in OSS or that no source specifies.
#[derive(Clone, Debug)]
pub struct Config {
    /// Port on 127.0.0.1; 0: a free one.
    pub port: u16,
    /// Serve HTTPS with a certificate that is created at the start.
    pub tls: Option<Tls>,
    /// Additional DNS names for the certificate, such as `examplebucket.localhost`.
    pub tls_names: Vec<String>,
    /// The keys whose signatures are accepted.
    pub auth: Auth,
    /// Region that V4 signatures must contain.
    pub region: String,
    /// Seconds by which the server's clock is ahead of the system's.
    pub clock_offset: i64,
    /// Keep replaced objects as versions, and send `x-oss-version-id`.
    pub versioning: bool,
    /// Send `x-oss-hash-crc64ecma`; objects from before that header existed have none.
    pub send_crc: bool,
    /// Send `ETag`.
    pub send_etag: bool,
    /// Reply to a range of an empty object under `x-oss-range-behavior: standard`.
    pub empty_object_range: EmptyObjectRange,
    /// Send `Content-Range: bytes */size` with status 416, as RFC 9110 recommends.
    pub content_range_in_416: bool,
    /// Custom domains and the buckets they are bound to (CNAME).
    pub custom_domains: Vec<(String, String)>,
    /// Write a line for each finished request to standard error.
    pub log_to_stderr: bool,
}

impl Default for Config {
    /// HTTP on a free port, no signatures required, region `cn-hangzhou`, every header sent.
    fn default() -> Self {
        Config {
            port: 0,
            tls: None,
            tls_names: Vec::new(),
            auth: Auth::Anonymous,
            region: "cn-hangzhou".to_owned(),
            clock_offset: 0,
            versioning: false,
            send_crc: true,
            send_etag: true,
            empty_object_range: EmptyObjectRange::Status416,
            content_range_in_416: true,
            custom_domains: Vec::new(),
            log_to_stderr: false,
        }
    }
}

/// The requests that are accepted.
#[derive(Clone, Debug, Default)]
pub enum Auth {
    /// All; signatures are not checked.
    #[default]
    Anonymous,
    /// Requests signed with one of these keys.
    Keys(Vec<Key>),
}

impl Auth {
    /// Requests signed with one key that is not temporary.
    pub fn key(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Auth::Keys(vec![Key { id: id.into(), secret: secret.into(), token: None, expires: None }])
    }
}

/// An access key, temporary if it has a token.
#[derive(Clone)]
pub struct Key {
    /// Access key id.
    pub id: String,
    /// Access key secret.
    pub secret: String,
    /// Security token (STS) that requests must carry.
    pub token: Option<String>,
    /// From this time on, requests get `SecurityTokenExpired`.
    pub expires: Option<SystemTime>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Reply to a range of an empty object.
///
/// The OSS documents describe ranges past an object's end, but not a range of an object without a first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmptyObjectRange {
    /// 416 `InvalidRange`, as in RFC 9110.
    #[default]
    Status416,
    /// 200 and no bytes.
    Status200,
}
