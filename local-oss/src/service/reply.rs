//! A reply before faults are applied and it is sent.

use std::sync::Arc;
use std::time::Duration;

use crate::object::Generation;

/// Status, headers and body of a reply, without framing headers.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    /// The body's limit in bytes per second that the request sets (`x-oss-traffic-limit`).
    pub(crate) rate: Option<u64>,
    /// Whether the body is sent without its length.
    pub(crate) chunked: bool,
    /// Time by which the service delays the reply.
    pub(crate) delay: Duration,
}

/// The source of a body's bytes.
#[derive(Debug)]
pub(crate) enum Body {
    /// Status 304: no body and no length.
    None,
    /// These bytes.
    Bytes(Vec<u8>),
    /// `length` bytes of the object, from `start` on.
    Part { generation: Arc<Generation>, start: u64, length: u64 },
    /// The object's bytes in reverse order.
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
