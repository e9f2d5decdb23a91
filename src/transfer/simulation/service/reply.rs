//! The replies of the service.

use std::time::Duration;

use crate::oss::clock;
use crate::oss::reply::ReplyHead;
use crate::transfer::simulation::plan::{
    FaultKind, Processed, Refusal, RetryAfter, Shape, Throttling,
};

use super::{
    Asked, Body, ERROR_DOCUMENT, Generation, ObjectBody, Reply, Service, processed_content,
    processed_size,
};

/// Delay of a reply while the bandwidth of the service is used up, in milliseconds.
const BUSY_DELAY: u64 = 50;

impl Service {
    pub(super) fn refuse(&self, asked: &Asked, refusal: Refusal, now: Duration) -> Reply {
        let Refusal { status, code, asks } = refusal;
        let mut lines = Lines::new(status);
        let time = Service::time(now);
        let text = match code {
            None => {
                lines.add("Content-Type", "text/html");
                format!("<html><body><h1>{status}</h1></body></html>")
            }
            Some(code) => {
                lines.add("x-oss-request-id", &format!("{:024X}", asked.number + 1));
                let message =
                    if code == "AccessDenied" { "Request has expired." } else { "simulated" };
                format!(
                    "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message>\
                     <RequestId>{:024X}</RequestId><ServerTime>{time}</ServerTime></Error>",
                    asked.number + 1
                )
            }
        };
        lines.add("Date", &clock::http_date(time).unwrap_or_default());
        match asks {
            RetryAfter::Absent => {}
            RetryAfter::Seconds(seconds) => lines.add("Retry-After", &seconds.to_string()),
            RetryAfter::Date(seconds) => {
                let then = Service::time(now + Duration::from_secs(seconds));
                lines.add("Retry-After", &clock::http_date(then).unwrap_or_default());
            }
        }
        if asked.head && code.is_some() {
            lines.add("x-oss-err", &openssl::base64::encode_block(text.as_bytes()));
        }
        let body = match status {
            304 => Body::Nothing,
            _ => Body::Text(text.into_bytes()),
        };
        Reply { head: lines.head(), body, ..Reply::default() }
    }

    pub(super) fn send(
        &self,
        asked: &Asked,
        generation: &Generation,
        shape: Option<Shape>,
        faults: &[FaultKind],
    ) -> Reply {
        if let Some(processed) = asked.processed {
            return self.send_processed(asked, generation, processed, shape, faults);
        }
        let size = generation.size;
        let ignored = self.ignores_ranges(asked) || shape == Some(Shape::RangeIgnored);
        let range = asked.range.filter(|_| !ignored && !asked.is_ignored(size));
        let (mut first, end) = match range {
            None => (0, size),
            Some((first, last)) => (first, last.map_or(size, |last| size.min(last + 1))),
        };
        if shape == Some(Shape::OtherRange) && range.is_some() && first + 1 < end {
            first += 1;
        }
        let mut lines = Lines::new(if range.is_some() { 206 } else { 200 });
        if range.is_some() && shape != Some(Shape::NoContentRange) {
            let total = match shape {
                Some(Shape::NoTotal) => "*".to_owned(),
                Some(Shape::WrongTotal) => (size + 1).to_string(),
                _ => size.to_string(),
            };
            lines.add("Content-Range", &format!("bytes {first}-{}/{total}", end - 1));
        }
        let len = end - first;
        match shape {
            Some(Shape::NoLength) => lines.add("Transfer-Encoding", "chunked"),
            Some(Shape::Compressed) => {
                lines.add("Transfer-Encoding", "chunked");
                lines.add("Content-Encoding", "gzip");
            }
            Some(Shape::TwoLengths) => {
                lines.add("Content-Length", &len.to_string());
                lines.add("Content-Length", &(len + 1).to_string());
            }
            Some(Shape::WrongLength) => lines.add("Content-Length", &(len + 1).to_string()),
            _ => lines.add("Content-Length", &len.to_string()),
        }
        self.describe(&mut lines, asked, generation, shape);
        let delay = lines.delayed(self.delays(asked), faults);
        let flip = flipped(faults, len);
        let lacks_a_byte = shape == Some(Shape::WrongLength);
        let len = if lacks_a_byte { len + 1 } else { len };
        let (content, start) = (generation.content, first);
        let body = ObjectBody { content, start, len, flip, lacks_a_byte };
        let body = if len == 0 { Body::Nothing } else { Body::Object(body) };
        Reply { head: lines.head(), body, delay, ..Reply::default() }
    }

    /// By how many milliseconds the reply is delayed because others take the bandwidth.
    fn delays(&self, asked: &Asked) -> u64 {
        let busy = self.bandwidth().filter(|_| !asked.clean);
        let demand = asked.demand + asked.rate;
        if busy.is_some_and(|bandwidth| demand > bandwidth as f64) { BUSY_DELAY } else { 0 }
    }

    fn describe(
        &self,
        lines: &mut Lines,
        asked: &Asked,
        generation: &Generation,
        shape: Option<Shape>,
    ) {
        let other = || format!("\"{:032X}\"", asked.number + 1);
        let etag = match shape {
            Some(Shape::NoEtag) => None,
            Some(Shape::WeakEtag) => Some(format!("W/{}", other())),
            Some(Shape::OtherEtag) => Some(other()),
            _ => generation.etag.clone(),
        };
        if let Some(etag) = etag {
            lines.add("ETag", &etag);
        }
        lines.add("Last-Modified", &generation.modified);
        if shape == Some(Shape::NotOss) {
            return;
        }
        let is_link = self.plan.symlink && !asked.clean;
        let crc = self.stated_crc(generation, is_link).filter(|_| shape != Some(Shape::NoCrc));
        if let Some(crc) = crc {
            let crc = if shape == Some(Shape::WrongCrc) { !crc } else { crc };
            lines.add("x-oss-hash-crc64ecma", &crc.to_string());
        }
        let kind = match (is_link, self.object.appendable) {
            (true, _) => "Symlink",
            (false, true) => "Appendable",
            (false, false) => "Normal",
        };
        lines.add("x-oss-object-type", kind);
        lines.add("x-oss-request-id", &format!("{:024X}", asked.number + 1));
    }

    fn send_processed(
        &self,
        asked: &Asked,
        generation: &Generation,
        processed: Processed,
        shape: Option<Shape>,
        faults: &[FaultKind],
    ) -> Reply {
        let (content, len) = match processed {
            Processed::Error => (ERROR_DOCUMENT.0, ERROR_DOCUMENT.1.len() as u64),
            _ => (processed_content(generation), processed_size(generation)),
        };
        let mut lines = Lines::new(200);
        match processed {
            Processed::WithLength | Processed::Error => {
                lines.add("Content-Length", &len.to_string())
            }
            Processed::Chunked => lines.add("Transfer-Encoding", "chunked"),
        }
        self.describe(&mut lines, asked, generation, shape);
        let delay = lines.delayed(self.delays(asked), faults);
        let body =
            ObjectBody { content, start: 0, len, flip: flipped(faults, len), lacks_a_byte: false };
        let body = if len == 0 { Body::Nothing } else { Body::Object(body) };
        Reply { head: lines.head(), body, delay, ..Reply::default() }
    }
}

/// A redirect of a URL.
pub fn redirect(location: &str) -> Reply {
    let mut lines = Lines::new(302);
    lines.add("Location", location);
    lines.add("Content-Length", "0");
    Reply { head: lines.head(), ..Reply::default() }
}

fn flipped(faults: &[FaultKind], len: u64) -> Option<u64> {
    faults.iter().find_map(|fault| match fault {
        FaultKind::Flip(at) if len > 0 => Some((len - 1) * *at / 1000),
        _ => None,
    })
}

impl Throttling {
    pub(super) fn refusal(self, asks: RetryAfter) -> Refusal {
        let (status, code) = match self {
            Throttling::Unavailable => (503, "ServiceUnavailable"),
            Throttling::TooManyRequests => (429, "QpsLimitExceeded"),
            Throttling::TrafficLimit => (503, "DownloadTrafficRateLimitExceeded"),
            Throttling::ActiveRequests => (503, "ActiveRequestLimitExceeded"),
            Throttling::SlowDown => (503, "SlowDown"),
        };
        Refusal { status, code: Some(code), asks }
    }
}

/// The lines of a head.
struct Lines {
    head: ReplyHead,
    line: String,
}

impl Lines {
    fn new(status: u16) -> Self {
        let mut head = ReplyHead::default();
        head.push_line(format!("HTTP/1.1 {status} Simulated").as_bytes());
        Lines { head, line: String::new() }
    }

    fn add(&mut self, name: &str, value: &str) {
        self.line.clear();
        self.line.extend([name, ": ", value]);
        self.head.push_line(self.line.as_bytes());
    }

    /// Says by how much the reply was delayed, if it was; returns the delay.
    fn delayed(&mut self, millis: u64, faults: &[FaultKind]) -> Duration {
        let delays = faults.iter().map(|fault| match fault {
            FaultKind::Delayed(millis) => *millis,
            _ => 0,
        });
        let millis = millis + delays.sum::<u64>();
        if millis > 0 {
            self.add("x-oss-qos-delay-time", &u64::to_string(&millis));
        }
        Duration::from_millis(millis)
    }

    fn head(mut self) -> ReplyHead {
        self.head.push_line(b"");
        self.head
    }
}
