//! The server's clock, which may be wrong on purpose, and the date formats of OSS.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The system's clock plus an offset that can be changed at any time.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset_ms: AtomicI64,
}

impl Clock {
    pub(crate) fn new(offset_seconds: i64) -> Self {
        Clock { offset_ms: AtomicI64::new(offset_seconds.saturating_mul(1000)) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        shifted(Timestamp::now(), self.offset_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn set_offset(&self, seconds: i64) {
        self.offset_ms.store(seconds.saturating_mul(1000), Ordering::Relaxed);
    }

    pub(crate) fn set(&self, time: SystemTime) {
        let difference = timestamp(time).as_millisecond() - Timestamp::now().as_millisecond();
        self.offset_ms.store(difference, Ordering::Relaxed);
    }
}

/// `time` moved by `milliseconds`, clamped to the supported range.
pub(crate) fn shifted(time: Timestamp, milliseconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_millis(milliseconds)).unwrap_or(time)
}

pub(crate) fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `Mon, 23 Nov 2026 04:05:06 GMT`; empty for a year that HTTP dates cannot express.
pub(crate) fn http_date(time: Timestamp) -> String {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap_or_default()
}

pub(crate) fn parse_http_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

/// `20261123T040506Z`, the format of `x-oss-date`.
pub(crate) fn compact_date(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

pub(crate) fn parse_compact_date(text: &str) -> Option<Timestamp> {
    let parsed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    TimeZone::UTC.to_timestamp(parsed).ok()
}

/// `2026-11-23T04:05:06.000Z`, the format of times in error replies.
pub(crate) fn iso_date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formats_are_those_of_oss_and_read_back() {
        let time = parse_http_date("Mon, 23 Nov 2026 04:05:06 GMT").unwrap();
        assert_eq!(http_date(time), "Mon, 23 Nov 2026 04:05:06 GMT");
        assert_eq!(compact_date(time), "20261123T040506Z");
        assert_eq!(parse_compact_date("20261123T040506Z"), Some(time));
        assert_eq!(iso_date(time), "2026-11-23T04:05:06.000Z");
        assert_eq!(parse_http_date("yesterday"), None);
    }

    #[test]
    fn the_clock_can_be_set_and_shifted() {
        let clock = Clock::new(3600);
        assert!((clock.now().as_second() - Timestamp::now().as_second() - 3600).abs() <= 1);
        clock.set(SystemTime::UNIX_EPOCH);
        assert!(clock.now().as_second() <= 1);
        clock.set_offset(0);
        assert!((clock.now().as_second() - Timestamp::now().as_second()).abs() <= 1);
    }
}
