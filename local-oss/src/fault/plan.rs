//! The combined effect of a request's faults.

use std::time::Duration;

use super::Fault;
use crate::net::{Cut, Delivery, Ending, Framing, Head};
use crate::object::Object;
use crate::service::{Body, OssError, Overrides, Reply};

/// What is done instead of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instead {
    Close,
    Reset,
    Silence,
    NotHttp,
}

/// Another generation that replaces the object before the reply.
#[derive(Clone, Debug)]
pub(crate) enum Replacement {
    Successor,
    Growth(u64),
    Object(Box<Object>),
}

/// The combined effect of a request's faults, in the order in which a reply is made.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) replacement: Option<Replacement>,
    pub(crate) instead: Option<Instead>,
    pub(crate) overrides: Overrides,
    edits: Vec<Edit>,
    pub(crate) delivery: Delivery,
}

#[derive(Debug)]
enum Edit {
    Header(String, Option<String>),
    ContentRangeOff { first: i64, last: i64, total: i64 },
    ChangeCrc,
    UnknownTotal,
    EtagSuffix(String),
    WeakEtag,
    NoOssHeaders,
    QosDelay(Duration),
    Body(Vec<u8>),
}

impl Plan {
    pub(crate) fn of(faults: Vec<Fault>) -> Self {
        let mut plan = Plan::default();
        for fault in faults {
            plan.add(fault);
        }
        plan
    }

    /// Changes the headers of the reply.
    pub(crate) fn edit(&self, reply: &mut Reply) {
        for edit in &self.edits {
            match edit {
                Edit::Header(name, value) => reply.set(name, value.as_deref()),
                Edit::ContentRangeOff { first, last, total } => {
                    replace(reply, "Content-Range", |value| off(value, [*first, *last, *total]));
                }
                Edit::ChangeCrc => replace(reply, "x-oss-hash-crc64ecma", |value| {
                    value.parse::<u64>().ok().map(|crc| (crc ^ 1).to_string())
                }),
                Edit::UnknownTotal => replace(reply, "Content-Range", without_total),
                Edit::EtagSuffix(suffix) => replace(reply, "ETag", |tag| {
                    Some(format!("{}{suffix}\"", tag.strip_suffix('"')?))
                }),
                Edit::WeakEtag => {
                    replace(reply, "ETag", |tag| Some(format!("W/\"{}", tag.strip_prefix('"')?)))
                }
                Edit::NoOssHeaders => {
                    reply
                        .headers
                        .retain(|(name, _)| !name.to_ascii_lowercase().starts_with("x-oss-"));
                }
                Edit::QosDelay(time) if reply.status < 300 => {
                    reply.set("x-oss-qos-delay-time", Some(&time.as_millis().to_string()));
                    reply.delay = *time;
                }
                Edit::QosDelay(_) => {}
                Edit::Body(bytes) => {
                    (reply.status, reply.body) = (200, Body::Bytes(bytes.clone()));
                }
            }
        }
    }

    fn add(&mut self, fault: Fault) {
        let delivery = &mut self.delivery;
        match fault {
            Fault::CloseBeforeHeaders => self.instead = Some(Instead::Close),
            Fault::ResetBeforeHeaders => self.instead = Some(Instead::Reset),
            Fault::NoReply => self.instead = Some(Instead::Silence),
            Fault::NotHttp => self.instead = Some(Instead::NotHttp),
            Fault::StatusLine(text) => delivery.status_line = Some(text),
            Fault::NewGeneration => self.replacement = Some(Replacement::Successor),
            Fault::Grow(bytes) => self.replacement = Some(Replacement::Growth(bytes)),
            Fault::ReplaceObject(object) => self.replacement = Some(Replacement::Object(object)),
            Fault::FlipByte(offset) => delivery.flips.push(offset),
            Fault::GarbageBody => delivery.garbage = true,
            Fault::GarbageBeforeBody(bytes) => delivery.garbage_before = bytes,
            Fault::ContentLengthOff(bytes) => delivery.length_off = bytes,
            Fault::UnaskedReply => delivery.unrequested = true,
            Fault::ShortBody(missing) => delivery.ending = Ending::Missing(missing),
            Fault::LongBody(extra) => delivery.ending = Ending::Extra(extra),
            Fault::ResetAfter(bytes) => delivery.ending = Ending::After(bytes, Cut::Reset),
            Fault::ResetConnectionAfter(bytes) => delivery.ending = Ending::ConnectionReset(bytes),
            Fault::CloseAfter(bytes) => delivery.ending = Ending::After(bytes, Cut::Close),
            Fault::CutOffAfter(bytes) => delivery.ending = Ending::After(bytes, Cut::Abandon),
            Fault::StallAfter(bytes) => delivery.ending = Ending::After(bytes, Cut::Stall),
            Fault::HalfCloseAfter(bytes) => delivery.ending = Ending::After(bytes, Cut::HalfClose),
            Fault::NoContentLength => delivery.framing = Framing::UntilClose,
            Fault::Chunked => delivery.framing = Framing::Chunked,
            Fault::Gzip => {
                delivery.gzip = true;
                delivery.framing = Framing::Chunked;
                self.edits.push(Edit::Header("Content-Encoding".into(), Some("gzip".into())));
            }
            Fault::CloseConnection => delivery.close = true,
            Fault::SlowHeaders(pause) => delivery.head = Head::Paused(pause),
            Fault::DribbleHeaders(pause) => delivery.head = Head::ByteByByte(pause),
            Fault::EndlessHeaders(pause) => delivery.head = Head::Endless(pause),
            Fault::Dribble(pause) => delivery.byte_pause = Some(pause),
            Fault::RateLimit(rate) => delivery.rate = Some(rate),
            Fault::CommonLink(link) => delivery.link = Some(link),
            Fault::RoundTrip(time) => delivery.round_trip = time,
            other => self.add_to_answer(other),
        }
    }

    fn add_to_answer(&mut self, fault: Fault) {
        let mut header = |name: &str, value: Option<String>| {
            self.edits.push(Edit::Header(name.to_owned(), value));
        };
        match fault {
            Fault::Header { name, value } => header(&name, value),
            Fault::NoCrc => header("x-oss-hash-crc64ecma", None),
            Fault::NoEtag => header("ETag", None),
            Fault::WrongEtag => header("ETag", Some(format!("\"{}\"", "0".repeat(32)))),
            Fault::WrongContentRange => {
                self.edits.push(Edit::ContentRangeOff { first: 1, last: 1, total: 0 });
            }
            Fault::ContentRangeOff { first, last, total } => {
                self.edits.push(Edit::ContentRangeOff { first, last, total });
            }
            Fault::UnknownTotal => self.edits.push(Edit::UnknownTotal),
            Fault::WrongCrc => self.edits.push(Edit::ChangeCrc),
            Fault::EtagSuffix(suffix) => self.edits.push(Edit::EtagSuffix(suffix)),
            Fault::WeakEtag => {
                self.overrides.weak_etag = true;
                self.edits.push(Edit::WeakEtag);
            }
            Fault::NoOssHeaders => self.edits.push(Edit::NoOssHeaders),
            Fault::Body(bytes) => self.edits.push(Edit::Body(bytes)),
            Fault::QosDelay(time) => self.edits.push(Edit::QosDelay(time)),
            Fault::Status { status, code, retry_after } => {
                self.overrides.error = Some(injected(status, code, retry_after));
            }
            Fault::Html(status) => self.overrides.html = Some(status),
            Fault::Redirect(location) => {
                let error = OssError::new(307, "TemporaryRedirect", "Temporary Redirect.");
                self.overrides.error = Some(error.header("Location", location));
            }
            Fault::ExpiredToken => self.overrides.error = Some(OssError::token_expired()),
            Fault::SkewedClock(seconds) => {
                self.overrides.clock_shift_ms = seconds.saturating_mul(1000);
            }
            Fault::IgnoreRange => self.overrides.ignore_range = true,
            Fault::OtherBytes(distance) => self.overrides.range_shift = distance,
            _ => {}
        }
    }
}

fn injected(status: u16, code: String, retry_after: Option<Duration>) -> OssError {
    let error = OssError::new(status, code, "This error was asked for.");
    match retry_after {
        Some(time) => error.header("Retry-After", time.as_secs().to_string()),
        None => error,
    }
}

fn replace(reply: &mut Reply, name: &str, change: impl Fn(&str) -> Option<String>) {
    if let Some(value) = reply.header(name).and_then(change) {
        reply.set(name, Some(&value));
    }
}

/// `bytes 0-9/100` becomes `bytes 0-9/*`.
fn without_total(content_range: &str) -> Option<String> {
    content_range.split_once('/').map(|(range, _)| format!("{range}/*"))
}

/// `bytes 0-9/100`, wrong by 1, 1 and 0, is `bytes 1-10/100`.
fn off(content_range: &str, by: [i64; 3]) -> Option<String> {
    let (range, size) = content_range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let number =
        |text: &str, by| Some(text.parse::<u64>().ok()?.checked_add_signed(by).unwrap_or(0));
    let [first, last, size] = [number(first, by[0])?, number(last, by[1])?, number(size, by[2])?];
    Some(format!("bytes {first}-{last}/{size}"))
}
