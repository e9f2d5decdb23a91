//! The date formats of OSS's headers and documents.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use crate::model::error::{Error, Result};

/// Formats `Mon, 23 Nov 2026 04:05:06 GMT` (RFC 9110). Fails for years beyond 9999 or before 0.
pub fn http_date(time: Timestamp) -> Result<String> {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).map_err(|_| unprintable(time))
}

/// Formats `20261123T040506Z`, the form of `x-oss-date` in V4.
pub fn basic_iso8601(time: Timestamp) -> Result<String> {
    strtime::format("%Y%m%dT%H%M%SZ", time).map_err(|_| unprintable(time))
}

/// Parses what [`basic_iso8601`] formats.
pub fn parse_basic_iso8601(text: &str) -> Option<Timestamp> {
    utc(DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?)
}

/// Parses an HTTP date in any of RFC 9110's three forms.
pub fn parse_http_date(text: &str) -> Option<Timestamp> {
    parse_imf_fixdate(text).or_else(|| parse_rfc850(text)).or_else(|| parse_asctime(text))
}

/// Parses `2026-11-23T04:05:06.000Z`, the form of dates in OSS's XML.
pub fn parse_iso8601(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

// A wrong weekday is ignored: the date is sufficient.
fn parse_imf_fixdate(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text.trim()).ok()
}

fn parse_rfc850(text: &str) -> Option<Timestamp> {
    let (_weekday, rest) = text.split_once(',')?;
    utc(DateTime::strptime("%d-%b-%y %H:%M:%S GMT", rest.trim()).ok()?)
}

fn parse_asctime(text: &str) -> Option<Timestamp> {
    let (_weekday, rest) = text.trim().split_once(' ')?;
    utc(DateTime::strptime("%b %e %H:%M:%S %Y", rest.trim()).ok()?)
}

fn utc(time: DateTime) -> Option<Timestamp> {
    time.to_zoned_datetime(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn unprintable(time: Timestamp) -> Error {
    Error::internal(format!("the clock shows {time}, which cannot be used to sign a request"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn dates_are_written_as_the_service_writes_them() {
        assert_eq!(http_date(at(784_111_777)).unwrap(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(basic_iso8601(at(784_111_777)).unwrap(), "19941106T084937Z");
    }

    #[test]
    fn all_three_http_date_forms_are_read() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            " Sun, 06 Nov 1994 08:49:37 GMT ",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse_http_date(text), Some(at(784_111_777)), "{text}");
        }
        assert_eq!(parse_http_date("yesterday"), None);
    }

    #[test]
    fn the_server_time_of_an_error_document_is_read() {
        assert_eq!(parse_iso8601("1994-11-06T08:49:37.000Z"), Some(at(784_111_777)));
        assert_eq!(parse_iso8601("1994-11-06"), None);
    }

    proptest! {
        #[test]
        fn a_written_http_date_is_read_back(second in 0i64..200_000_000_000) {
            prop_assert_eq!(parse_http_date(&http_date(at(second)).unwrap()), Some(at(second)));
        }

        #[test]
        fn parsing_any_date_does_not_panic(text in any::<String>()) {
            let _ = (parse_http_date(&text), parse_iso8601(&text));
        }
    }
}
