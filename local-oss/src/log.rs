//! The log of requests and replies.

use std::time::Instant;

use parking_lot::Mutex;

use crate::address::Address;
use crate::request::Request;

/// One request and its reply.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// `GET`, `HEAD` …
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Bucket, from the host or the path.
    pub bucket: String,
    /// Key, unescaped.
    pub key: String,
    /// `Host` header.
    pub host: String,
    /// All headers, names as sent.
    pub headers: Vec<(String, String)>,
    /// `Range` header.
    pub range: Option<String>,
    /// Number of the connection, from 1.
    pub connection: u64,
    /// Status of the reply; `None` while there is none, or if a fault suppressed it.
    pub status: Option<u16>,
    /// Bytes of the body passed to the network, without framing.
    pub body_bytes: u64,
    /// Time at which the request had been read.
    pub received: Instant,
    /// Time at which the last part of the reply was passed to the network, or the reply had failed.
    pub finished: Option<Instant>,
}

impl LoggedRequest {
    /// The value of the first header with that name, ignoring case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// All requests since the start, in order.
#[derive(Default)]
pub(crate) struct RequestLog(Mutex<Vec<LoggedRequest>>);

impl RequestLog {
    /// Adds a request; returns its index for [`finish`](Self::finish).
    pub(crate) fn begin(&self, request: &Request, address: &Address, connection: u64) -> usize {
        let mut entries = self.0.lock();
        entries.push(LoggedRequest {
            method: request.method.clone(),
            target: request.target.clone(),
            bucket: address.bucket.clone(),
            key: address.key.clone(),
            host: request.header("host").unwrap_or_default().to_owned(),
            headers: request.headers.clone(),
            range: request.header("range").map(str::to_owned),
            connection,
            status: None,
            body_bytes: 0,
            received: Instant::now(),
            finished: None,
        });
        entries.len() - 1
    }

    /// Records the reply to the request that [`begin`](Self::begin) added at `index`.
    pub(crate) fn finish(
        &self,
        index: usize,
        status: Option<u16>,
        bytes: u64,
        finished: Instant,
    ) -> Option<LoggedRequest> {
        let mut entries = self.0.lock();
        let entry = entries.get_mut(index)?;
        entry.status = status;
        entry.body_bytes = bytes;
        entry.finished = Some(finished);
        Some(entry.clone())
    }

    pub(crate) fn entries(&self) -> Vec<LoggedRequest> {
        self.0.lock().clone()
    }
}
