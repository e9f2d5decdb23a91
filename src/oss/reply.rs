//! Parsing of a reply's status line and headers.

use std::time::Duration;

use jiff::Timestamp;

use super::clock;
use crate::model::error::{Error, ErrorKind, Result};

/// The status and headers of a reply, parsed line by line. Accepts any bytes; those that are not UTF-8 are replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyHead {
    /// HTTP status; 0 before the status line.
    pub status: u16,
    /// Headers in the service's order and spelling, without surrounding blanks.
    pub headers: Vec<(String, String)>,
    ended: bool,
}

/// The value of `Content-Range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentRange {
    /// `bytes first-last/total`
    Satisfied {
        /// First byte.
        first: u64,
        /// Last byte, inclusive; not before `first`, and before `total`.
        last: u64,
        /// Size of the whole object in bytes, if sent.
        total: Option<u64>,
    },
    /// `bytes */total`, sent with status 416.
    Unsatisfied {
        /// Size of the whole object in bytes.
        total: u64,
    },
}

impl ReplyHead {
    /// Adds one line as libcurl's header callback delivers it. A status line starts a new head, as after `100 Continue`
    /// or a proxy's reply; lines after the blank line (trailers) are ignored.
    pub fn push_line(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\r', '\n']);
        if let Some(status) = parse_status_line(text) {
            *self = ReplyHead { status, headers: Vec::new(), ended: false };
        } else if text.is_empty() {
            self.ended = true;
        } else if !self.ended {
            self.push_field(text);
        }
    }

    fn push_field(&mut self, text: &str) {
        if text.starts_with([' ', '\t']) {
            // A folded line continues the previous one.
            if let Some((_, value)) = self.headers.last_mut() {
                value.push(' ');
                value.push_str(text.trim());
            }
        } else if let Some((name, value)) = text.split_once(':') {
            self.headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }

    /// Whether the blank line that ends the head has been received. A truncated head may lack headers that the service
    /// sent.
    pub fn is_whole(&self) -> bool {
        self.ended
    }

    /// The value of the first header with that name, ignoring case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.headers
            .iter()
            .filter(move |(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The value of a header that must not have two different values.
    fn single(&self, name: &str) -> Result<Option<&str>> {
        let mut values = self.all(name);
        let first = values.next();
        match values.find(|value| Some(*value) != first) {
            None => Ok(first),
            Some(_) => Err(contradiction(format!("the reply has two different {name} headers"))),
        }
    }

    /// The strong ETag without quotes. Weak ETags (`W/"…"`) do not guarantee equal bytes and cannot be sent in
    /// `If-Match`: they count as absent here.
    pub fn etag(&self) -> Option<&str> {
        let value = self.get("ETag")?;
        if value.starts_with("W/") {
            return None;
        }
        let etag = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        let is_etag = !etag.is_empty() && etag.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
        is_etag.then_some(etag)
    }

    /// A weak ETag as sent, `W/"…"`: it can be compared with another one, but never satisfies `If-Match`.
    pub fn weak_etag(&self) -> Option<&str> {
        let value = self.get("ETag")?;
        let etag = value.strip_prefix("W/\"")?.strip_suffix('"')?;
        let is_etag = !etag.is_empty() && etag.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
        is_etag.then_some(value)
    }

    /// `Content-Length`; an error if it is not a number or has contradictory values.
    pub fn content_length(&self) -> Result<Option<u64>> {
        self.single("Content-Length")?
            .map(|value| {
                digits(value).ok_or_else(|| contradiction(malformed("Content-Length", value)))
            })
            .transpose()
    }

    /// `Transfer-Encoding`: all codings, the outermost last.
    pub fn transfer_coding(&self) -> Option<String> {
        let codings: Vec<&str> = self.all("Transfer-Encoding").collect();
        (!codings.is_empty()).then(|| codings.join(", "))
    }

    /// `Content-Range`; an error if it is malformed or has contradictory values.
    pub fn content_range(&self) -> Result<Option<ContentRange>> {
        self.single("Content-Range")?
            .map(|value| {
                parse_content_range(value)
                    .ok_or_else(|| contradiction(malformed("Content-Range", value)))
            })
            .transpose()
    }

    /// `x-oss-hash-crc64ecma`: the CRC-64 of the whole object, also in a reply to a range.
    pub fn crc64(&self) -> Option<u64> {
        digits(self.get("x-oss-hash-crc64ecma")?)
    }

    /// Whether the object is a symbolic link to another one (`x-oss-object-type`).
    pub fn is_symlink(&self) -> bool {
        self.get("x-oss-object-type").is_some_and(|kind| kind.eq_ignore_ascii_case("Symlink"))
    }

    /// `x-oss-version-id`
    pub fn version_id(&self) -> Option<&str> {
        self.get("x-oss-version-id")
    }

    /// Whether bytes can be appended to the object (`x-oss-object-type`).
    pub fn is_appendable(&self) -> bool {
        self.get("x-oss-object-type").is_some_and(|kind| kind.eq_ignore_ascii_case("Appendable"))
    }

    /// `Last-Modified`, as sent.
    pub fn last_modified(&self) -> Option<&str> {
        self.get("Last-Modified")
    }

    /// `x-oss-request-id`
    pub fn request_id(&self) -> Option<&str> {
        self.get("x-oss-request-id")
    }

    /// `Date`: the service's clock.
    pub fn date(&self) -> Option<Timestamp> {
        clock::parse_http_date(self.get("Date")?)
    }

    /// The delay that `Retry-After` requests; zero for a date in the past.
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let value = self.get("Retry-After")?;
        if let Some(seconds) = digits(value) {
            return Some(Duration::from_secs(seconds));
        }
        let wait = clock::parse_http_date(value)?.duration_since(now);
        Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
    }

    /// `x-oss-qos-delay-time`: how long the service delayed this reply because of its traffic limits.
    pub fn qos_delay(&self) -> Option<Duration> {
        digits(self.get("x-oss-qos-delay-time")?).filter(|ms| *ms > 0).map(Duration::from_millis)
    }

    /// `Content-Encoding`, unless it is `identity`.
    pub fn content_coding(&self) -> Option<&str> {
        self.get("Content-Encoding")
            .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
    }
}

fn parse_status_line(text: &str) -> Option<u16> {
    let (_version, rest) = text.strip_prefix("HTTP/")?.split_once(' ')?;
    let code = rest.trim_start().split(' ').next()?;
    digits(code).filter(|_| code.len() == 3).and_then(|code| u16::try_from(code).ok())
}

fn parse_content_range(value: &str) -> Option<ContentRange> {
    let (unit, rest) = value.split_once(' ')?;
    let (range, total) = rest.trim().split_once('/')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    if range == "*" {
        return Some(ContentRange::Unsatisfied { total: digits(total)? });
    }
    let (first, last) = range.split_once('-')?;
    let (first, last) = (digits(first)?, digits(last)?);
    let total = if total == "*" { None } else { Some(digits(total)?) };
    let is_possible = first <= last && total.is_none_or(|total| last < total);
    is_possible.then_some(ContentRange::Satisfied { first, last, total })
}

/// A number of digits only: `u64::from_str` would accept a sign too.
fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn malformed(name: &str, value: &str) -> String {
    let shown: String = value.chars().take(80).collect();
    format!("the reply's {name} cannot be right: '{}'", shown.escape_debug())
}

fn contradiction(message: String) -> Error {
    Error::new(ErrorKind::Integrity, "InvalidResponse", message)
}

#[cfg(test)]
mod tests;
