//! Error replies of the service.

use jiff::Timestamp;

use super::reply::ReplyHead;
use super::{clock, crypto, error_document};

const MAX_MESSAGE: usize = 500;
const MAX_ID: usize = 100;

/// The codes with which OSS and similar services ask for less traffic, whatever the status. OSS documents them under
/// "HTTP status code 503" and "HTTP status code 429".
const THROTTLING_CODES: [&str; 9] = [
    "ActiveRequestLimitExceeded",
    "CpuLimitExceeded",
    "DownloadTrafficRateLimitExceeded",
    "MetaOperationQpsLimitExceeded",
    "QpsLimitExceeded",
    "ServiceUnavailable",
    "SlowDown",
    "TotalQpsLimitExceeded",
    "UploadTrafficRateLimitExceeded",
];

/// An error reply of the service, or of a proxy or load balancer in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    /// HTTP status.
    pub status: u16,
    /// The service's code; `ServerError:<status>`, as in the OSS C++ SDK, if it sent none.
    pub code: String,
    /// The service's message, or a description of the reply without one.
    pub message: String,
    /// `RequestId`
    pub request_id: Option<String>,
    /// `HostId`
    pub host_id: Option<String>,
    /// `EC`, the number in OSS's error catalogue.
    pub ec: Option<String>,
    /// The time of the service's clock, if sent.
    pub server_time: Option<Timestamp>,
    /// The endpoint with which the service wants the bucket to be addressed.
    pub(super) endpoint: Option<String>,
    /// Scheme and host of the target of a redirection.
    pub(super) redirected_to: Option<String>,
    /// The reply has `Retry-After`.
    pub(super) asks_to_wait: bool,
    /// The version is a delete marker.
    pub(super) delete_marker: bool,
}

/// Parses an error reply. The document is in the body or, for a HEAD, in `x-oss-err`. A reply without one (a proxy's
/// page, an empty body) is described by its status. Accepts any bytes.
///
/// Only known elements are kept: error documents may contain tokens and signed strings.
pub fn parse(head: &ReplyHead, body: &[u8]) -> ServiceError {
    let document = error_document::parse(body).or_else(|| {
        let encoded = head.get("x-oss-err")?;
        error_document::parse(&crypto::base64_decode(encoded)?)
    });
    let has_document = document.is_some();
    let document = document.unwrap_or_default();
    let element = |name: &str| document.get(name).and_then(|text| one_line(text, MAX_ID));
    let header = |name: &str| head.get(name).and_then(|text| one_line(text, MAX_ID));
    let described = || if has_document { String::new() } else { describe(head, body) };
    ServiceError {
        status: head.status,
        code: element("Code").unwrap_or_else(|| format!("ServerError:{}", head.status)),
        message: document
            .get("Message")
            .and_then(|text| one_line(text, MAX_MESSAGE))
            .unwrap_or_else(described),
        request_id: element("RequestId").or_else(|| header("x-oss-request-id")),
        host_id: element("HostId"),
        ec: element("EC").or_else(|| header("x-oss-ec")),
        server_time: document
            .get("ServerTime")
            .and_then(clock::parse_iso8601)
            .or_else(|| head.date()),
        endpoint: element("Endpoint"),
        redirected_to: head.get("Location").and_then(origin),
        asks_to_wait: head.get("Retry-After").is_some(),
        delete_marker: head
            .get("x-oss-delete-marker")
            .is_some_and(|value| value.eq_ignore_ascii_case("true")),
    }
}

/// The error in the body of a reply whose status announced an object; `None` for anything that is not certainly one of
/// OSS's error documents.
pub fn in_place_of_object(head: &ReplyHead, body: &[u8]) -> Option<ServiceError> {
    let document = error_document::parse(body)?;
    let is_error = ["Code", "Message", "RequestId"].iter().all(|name| document.get(name).is_some());
    is_error.then(|| parse(head, body))
}

impl ServiceError {
    /// Whether new credentials of a provider may help: the service does not know a temporary key that expired long ago
    /// or a key that was replaced.
    pub fn is_expired_credentials(&self) -> bool {
        matches!(
            self.code.as_str(),
            "SecurityTokenExpired" | "InvalidSecurityToken" | "InvalidAccessKeyId"
        )
    }

    /// Whether the request's time differed too much from [`ServiceError::server_time`].
    pub fn is_clock_skew(&self) -> bool {
        self.code == "RequestTimeTooSkewed"
    }

    /// Whether the service asks for less traffic: by its status, by its code, or by `Retry-After` in a reply that a
    /// retry may change.
    pub fn is_throttling(&self) -> bool {
        matches!(self.status, 429 | 503)
            || THROTTLING_CODES.contains(&self.code.as_str())
            || (self.asks_to_wait && self.is_retryable())
    }

    /// Whether the service asks for fewer concurrent requests.
    pub fn has_too_many_active_requests(&self) -> bool {
        self.code == "ActiveRequestLimitExceeded"
    }

    /// Whether the same request may succeed later: the service is busy or failed, or it waited too long for the
    /// request. Not for requests that the service never supports (501, 505).
    pub fn is_retryable(&self) -> bool {
        match self.status {
            501 | 505 => false,
            408 | 429 | 500..=599 => true,
            // OSS answers a stalled or garbled request with these codes; Alibaba's own SDKs retry it.
            400 => matches!(self.code.as_str(), "RequestTimeout" | "BadRequest"),
            _ => false,
        }
    }
}

/// `text` without control characters and surrounding blanks, at most `max` characters; `None` if nothing is left.
pub(super) fn one_line(text: &str, max: usize) -> Option<String> {
    let line: String =
        text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(max).collect();
    (!line.is_empty()).then_some(line)
}

/// The reason that a callback of the host gives for its failure, for a message of one line.
pub(crate) fn host_reason(text: &str) -> String {
    one_line(text, MAX_MESSAGE).unwrap_or_else(|| "no reason was given".to_owned())
}

/// A description of a reply without an error document. It does not contain the body, because a proxy's page may repeat
/// the request's headers.
fn describe(head: &ReplyHead, body: &[u8]) -> String {
    if body.is_empty() {
        return String::new();
    }
    let header = |name| head.get(name).and_then(|value| one_line(value, 60));
    let mut text = "with a body that is not an OSS error document".to_owned();
    if let Some(kind) = header("Content-Type") {
        text.push_str(&format!(" ({kind})"));
    }
    if let Some(server) = header("Server") {
        text.push_str(&format!(", from a server that calls itself '{server}'"));
    }
    text
}

/// Scheme and host of a URL: its path and query may contain a signature.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    one_line(&format!("{scheme}://{host}"), MAX_ID)
}

#[cfg(test)]
mod tests;
