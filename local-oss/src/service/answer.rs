//! Creates the reply to a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use parking_lot::RwLock;

use super::condition::{Etag, Outcome, evaluate};
use super::error::OssError;
use super::list;
use super::range::{Selection, select};
use super::reply::{Body, Reply};
use super::resource::Resource;
use crate::address::Address;
use crate::clock::{Clock, http_date, shifted};
use crate::config::{Auth, Config, EmptyObjectRange};
use crate::object::{Generation, Kind};
use crate::request::Request;
use crate::signature::verify;
use crate::store::Store;

/// Query parameters that replace reply headers ("GetObject", request headers `response-…`).
const RESPONSE_OVERRIDES: [(&str, &str); 6] = [
    ("response-content-type", "Content-Type"),
    ("response-content-language", "Content-Language"),
    ("response-expires", "Expires"),
    ("response-cache-control", "Cache-Control"),
    ("response-content-disposition", "Content-Disposition"),
    ("response-content-encoding", "Content-Encoding"),
];

/// Values of `x-oss-traffic-limit` in bits per second ("Single-connection bandwidth throttling").
const TRAFFIC_LIMITS: std::ops::RangeInclusive<u64> = 819_200..=838_860_800;

/// The changes that faults make to an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// The answer to any request.
    pub(crate) error: Option<OssError>,
    /// The answer is an HTML page with this status, not from OSS.
    pub(crate) html: Option<u16>,
    /// Answer 200 with the whole object to a ranged request.
    pub(crate) ignore_range: bool,
    /// The answer to a range has bytes at this distance from the requested ones.
    pub(crate) range_shift: u64,
    /// The service has only weak ETags.
    pub(crate) weak_etag: bool,
    /// Milliseconds by which the clock is wrong for this request.
    pub(crate) clock_shift_ms: i64,
}

/// Answers requests from a store.
pub(crate) struct Service {
    config: Config,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) auth: RwLock<Auth>,
    request_ids: AtomicU64,
}

impl Service {
    pub(crate) fn new(config: Config) -> Self {
        Service {
            store: Store::new(config.versioning),
            clock: Clock::new(config.clock_offset),
            auth: RwLock::new(config.auth.clone()),
            request_ids: AtomicU64::new(1),
            config,
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn answer(
        &self,
        request: &Request,
        address: &Address,
        overrides: &Overrides,
    ) -> Reply {
        if let Some(status) = overrides.html {
            return html_page(status);
        }
        let now = shifted(self.clock.now(), overrides.clock_shift_ms);
        let answered = match &overrides.error {
            Some(error) => Err(error.clone()),
            None => self
                .authenticate(request, address, now)
                .and_then(|()| self.object_reply(request, address, overrides, now)),
        };
        // The form of the ids in the documents' examples: 24 hexadecimal digits.
        let id = self.request_ids.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:08X}{id:016X}", now.as_second() & 0xFFFF_FFFF);
        let host = request.header("host").unwrap_or_default();
        let mut reply = answered.unwrap_or_else(|error| error.reply(&id, host, request.is_head()));
        reply.push("Server", "AliyunOSS");
        reply.push("Date", http_date(now));
        reply.push("x-oss-request-id", id);
        // "Common response headers": the service's processing time in milliseconds.
        reply.push("x-oss-server-time", "1");
        reply
    }

    fn authenticate(
        &self,
        request: &Request,
        address: &Address,
        now: Timestamp,
    ) -> Result<(), OssError> {
        match &*self.auth.read() {
            Auth::Anonymous => Ok(()),
            Auth::Keys(keys) => verify(request, address, keys, &self.config.region, now)
                .map_err(|refusal| OssError::refusal(refusal, now)),
        }
    }

    fn object_reply(
        &self,
        request: &Request,
        address: &Address,
        overrides: &Overrides,
        now: Timestamp,
    ) -> Result<Reply, OssError> {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Err(OssError::method_not_allowed(&request.method));
        }
        if list::is_listing(request, address) {
            return list::list(&self.store, request, address, now);
        }
        let resource = Resource::find(&self.store, request, address, now)?;
        let content = &resource.content;
        // "InvalidObjectState": the data cannot be read, but HeadObject works.
        if content.is_archived() && !request.is_head() {
            return Err(OssError::archived(&address.key));
        }
        let rate = traffic_limit(request)?;
        let etag = Etag { value: content.etag(), weak: overrides.weak_etag };
        match evaluate(request, &etag, resource.last_modified()) {
            Outcome::Met => {}
            Outcome::Failed(condition) => return Err(OssError::precondition_failed(condition)),
            Outcome::NotModified => return Ok(self.not_modified(&resource)),
        }
        let mut reply = if request.parameter("x-oss-process").is_some() && !request.is_head() {
            self.processed(&resource)
        } else {
            let range = request.header("range").filter(|_| !overrides.ignore_range);
            let mut reply = self.select_part(request, content, range, overrides.range_shift)?;
            self.describe(&mut reply, &resource);
            reply
        };
        reply.rate = rate;
        for (parameter, header) in RESPONSE_OVERRIDES {
            if let Some(value) = request.parameter(parameter) {
                reply.set(header, Some(value));
            }
        }
        Ok(reply)
    }

    fn select_part(
        &self,
        request: &Request,
        generation: &Arc<Generation>,
        range: Option<&str>,
        shift: u64,
    ) -> Result<Reply, OssError> {
        let size = generation.size();
        let standard = request.header("x-oss-range-behavior") == Some("standard");
        let part = |start, length| Body::Part { generation: generation.clone(), start, length };
        match select(range, standard, size).shifted(shift, size) {
            Selection::Part(first, last) => {
                let mut reply = Reply::new(206, part(first, last - first + 1));
                reply.push("Content-Range", format!("bytes {first}-{last}/{size}"));
                Ok(reply)
            }
            Selection::Unsatisfiable if size > 0 || self.refuses_empty_ranges() => {
                let error = OssError::invalid_range(range.unwrap_or_default(), size);
                let told = self.config.content_range_in_416;
                Err(if told {
                    error.header("Content-Range", format!("bytes */{size}"))
                } else {
                    error
                })
            }
            Selection::Unsatisfiable | Selection::Whole => Ok(Reply::new(200, part(0, size))),
        }
    }

    fn refuses_empty_ranges(&self) -> bool {
        self.config.empty_object_range == EmptyObjectRange::Status416
    }

    /// Headers of "GetObject" and "HeadObject".
    fn describe(&self, reply: &mut Reply, resource: &Resource) {
        let named = &resource.named;
        let object = named.object();
        reply.push("Content-Type", &object.content_type);
        if let Some(encoding) = &object.content_encoding {
            reply.push("Content-Encoding", encoding);
        }
        reply.push("Accept-Ranges", "bytes");
        self.identify(reply, resource);
        reply.push("x-oss-object-type", named.kind().name());
        if *named.kind() == Kind::Appendable {
            reply.push("x-oss-next-append-position", named.size().to_string());
        }
        reply.push("x-oss-storage-class", &object.storage_class);
        if self.config.send_crc && named.sends_crc64() {
            reply.push("x-oss-hash-crc64ecma", named.crc64().to_string());
        }
        for (name, value) in &object.headers {
            reply.push(name, value);
        }
    }

    fn identify(&self, reply: &mut Reply, resource: &Resource) {
        if self.config.send_etag {
            reply.push("ETag", format!("\"{}\"", resource.content.etag()));
        }
        reply.push("Last-Modified", http_date(resource.last_modified()));
        if self.store.versioning() {
            reply.push("x-oss-version-id", resource.named.version_id());
        }
    }

    fn not_modified(&self, resource: &Resource) -> Reply {
        let mut reply = Reply::new(304, Body::None);
        self.identify(&mut reply, resource);
        reply
    }

    /// The result of `x-oss-process` for an object: a stream whose length is not known in advance, without parts, ETag
    /// or CRC-64; or a body with a length, and the headers of the stored object.
    fn processed(&self, resource: &Resource) -> Reply {
        let content = &resource.content;
        let body = match content.processed() {
            Some(bytes) => Body::Bytes(bytes.to_vec()),
            None => Body::Reversed(content.clone()),
        };
        let mut reply = Reply::new(200, body);
        self.describe(&mut reply, resource);
        if content.is_processed_with_length() {
            return reply;
        }
        reply.chunked = true;
        for name in ["Accept-Ranges", "ETag", "x-oss-hash-crc64ecma"] {
            reply.set(name, None);
        }
        reply
    }
}

/// The error page of a proxy between client and service.
fn html_page(status: u16) -> Reply {
    let page =
        format!("<html><head><title>{status}</title></head><body>proxy error</body></html>\n");
    let mut reply = Reply::new(status, Body::Bytes(page.into_bytes()));
    reply.push("Content-Type", "text/html");
    reply
}

/// The limit in bytes per second that the request sets, by header or parameter.
fn traffic_limit(request: &Request) -> Result<Option<u64>, OssError> {
    let name = "x-oss-traffic-limit";
    let Some(text) = request.header(name).or_else(|| request.parameter(name)) else {
        return Ok(None);
    };
    let bits = text.parse().ok().filter(|bits| TRAFFIC_LIMITS.contains(bits));
    let message = "The x-oss-traffic-limit is invalid.";
    bits.map(|bits| Some(bits / 8)).ok_or_else(|| OssError::invalid_argument(message, name, text))
}
