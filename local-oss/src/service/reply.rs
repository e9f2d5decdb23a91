//! A reply before it meets the network and its faults.

use std::sync::Arc;
use std::time::Duration;

use crate::object::Generation;

/// Status, headers and body of a reply. Framing headers are not among the headers.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    /// Bytes a second that the request itself limits the body to (`x-oss-traffic-limit`).
    pub(crate) rate: Option<u64>,
    /// Whether the body is sent without its length.
    pub(crate) chunked: bool,
    /// How long the service holds the reply back.
    pub(crate) delay: Duration,
}

/// Where a reply's bytes come from.
#[derive(Debug)]
pub(crate) enum Body {
    /// Status 304: no body and no length.
    None,
    /// These bytes.
    Bytes(Vec<u8>),
    /// `length` bytes of the object, from `start`.
    Part { generation: Arc<Generation>, start: u64, length: u64 },
    /// The object's bytes, the last one first.
    Reversed(Arc<Generation>),
}

impl Body {
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Body::None => None,
            Body::Bytes(bytes) => Some(bytes.len() as u64),
            Body::Part { length, .. } => Some(*length),
            Body::Reversed(generation) => Some(generation.size()),
        }
    }
}

impl Reply {
    pub(crate) fn new(status: u16, body: Body) -> Self {
        Reply {
            status,
            headers: Vec::new(),
            body,
            rate: None,
            chunked: false,
            delay: Duration::ZERO,
        }
    }

    pub(crate) fn push(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Replaces a header, or removes it.
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        if let Some(value) = value {
            self.push(name, value);
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// The reason phrase of a status line.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        412 => "Precondition Failed",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
