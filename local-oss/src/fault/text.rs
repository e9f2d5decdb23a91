//! The command-line syntax of faults.

use std::time::Duration;

use super::{Fault, Matcher};
use crate::net::Link;
use crate::quantity::{parse_duration, parse_size};

/// The syntax of [`parse_fault`] as help text.
pub const FAULT_HELP: &str = "\
Faults: NAME[=ARGUMENT][@CONDITION[,CONDITION…]]
  in place of a reply   close-before-headers  reset-before-headers  no-reply  not-http
                        status-line=TEXT
  another answer        status=503[:Code[:RETRY_AFTER_SECONDS]]  html=502  redirect=URL  expired-token
                        skewed-clock=SECONDS  ignore-range  other-bytes=SIZE
  another object        new-generation  replace-object-after=REQUESTS  grow=SIZE
  headers               header=NAME[:VALUE]  wrong-content-range  content-range-off=FIRST:LAST:TOTAL
                        unknown-total  content-length-off=BYTES  wrong-crc  no-crc  wrong-etag  no-etag
                        etag-suffix=TEXT  weak-etag  no-oss-headers
  body                  body=TEXT  flip-byte=OFFSET  garbage-body  garbage-before-body=SIZE
                        short-body=SIZE  long-body=SIZE  unasked-reply  reset-after=SIZE
                        reset-connection-after=SIZE  close-after=SIZE  cut-off-after=SIZE
                        stall-after=SIZE  half-close-after=SIZE
  framing               no-content-length  chunked  gzip  close-connection
  pace                  slow-headers=TIME  dribble-headers=TIME  endless-headers=TIME  dribble=TIME
                        rate=SIZE  common-link=SIZE  round-trip=TIME  qos-delay=TIME
Conditions: nth:K  from:K  every:K  times:N  ranged  method:HEAD  key:KEY  covering:OFFSET  every-connection:N
            above-rate:REQUESTS_PER_SECOND  above-active:REQUESTS
Sizes: 1000, 64KiB, 20MB. Times: 40ms, 2s.
Example: --fault 'reset-after=5MB@every-connection:3,times:10'";

/// Parses a fault such as `reset-after=5MB@every-connection:3`; `local-oss --help` lists them all.
pub fn parse_fault(text: &str) -> Result<(Matcher, Fault), String> {
    let (fault, conditions) = match text.rsplit_once('@') {
        Some((fault, conditions)) => (fault, Some(conditions)),
        None => (text, None),
    };
    let (name, argument) = match fault.split_once('=') {
        Some((name, argument)) => (name, Some(argument)),
        None => (fault, None),
    };
    let mut matcher = Matcher::any();
    for condition in conditions.iter().flat_map(|list| list.split(',')) {
        matcher = add_condition(matcher, condition)?;
    }
    if name == "replace-object-after" {
        let requests = parse_count(argument.unwrap_or_default())?;
        return Ok((matcher.nth(requests.saturating_add(1)), Fault::NewGeneration));
    }
    let parsed = match argument {
        None => plain_fault(name),
        Some(argument) => fault_with(name, argument).transpose()?,
    };
    Ok((matcher, parsed.ok_or_else(|| format!("'{fault}' is not a fault; see --help"))?))
}

fn add_condition(matcher: Matcher, condition: &str) -> Result<Matcher, String> {
    let (name, value) = condition.split_once(':').unwrap_or((condition, ""));
    Ok(match name {
        "nth" => matcher.nth(parse_count(value)?),
        "from" => matcher.from(parse_count(value)?),
        "every" => matcher.every(parse_count(value)?),
        "times" => matcher.times(parse_count(value)?),
        "above-rate" => matcher.above_rate(parse_count(value)?),
        "above-active" => matcher.above_active(parse_count(value)?),
        "every-connection" => matcher.every_connection(parse_count(value)?),
        "covering" => matcher.covering(parse_size(value)?),
        "method" => matcher.method(value),
        "key" => matcher.key(value),
        "ranged" => matcher.ranged(),
        _ => return Err(format!("'{condition}' is not a condition; see --help")),
    })
}

fn plain_fault(name: &str) -> Option<Fault> {
    Some(match name {
        "close-before-headers" => Fault::CloseBeforeHeaders,
        "reset-before-headers" => Fault::ResetBeforeHeaders,
        "no-reply" => Fault::NoReply,
        "not-http" => Fault::NotHttp,
        "expired-token" => Fault::ExpiredToken,
        "ignore-range" => Fault::IgnoreRange,
        "new-generation" => Fault::NewGeneration,
        "wrong-content-range" => Fault::WrongContentRange,
        "wrong-crc" => Fault::WrongCrc,
        "no-crc" => Fault::NoCrc,
        "wrong-etag" => Fault::WrongEtag,
        "no-etag" => Fault::NoEtag,
        "weak-etag" => Fault::WeakEtag,
        "no-oss-headers" => Fault::NoOssHeaders,
        "unknown-total" => Fault::UnknownTotal,
        "garbage-body" => Fault::GarbageBody,
        "unasked-reply" => Fault::UnaskedReply,
        "no-content-length" => Fault::NoContentLength,
        "chunked" => Fault::Chunked,
        "gzip" => Fault::Gzip,
        "close-connection" => Fault::CloseConnection,
        _ => return None,
    })
}

/// `None` for a name that takes no argument or is unknown.
fn fault_with(name: &str, argument: &str) -> Option<Result<Fault, String>> {
    let size = |fault: fn(u64) -> Fault| Some(parse_size(argument).map(fault));
    let time = |fault: fn(Duration) -> Fault| Some(parse_duration(argument).map(fault));
    match name {
        "status" => Some(status(argument)),
        "html" => Some(parse_status(argument).map(Fault::Html)),
        "body" => Some(Ok(Fault::Body(argument.into()))),
        "status-line" => Some(Ok(Fault::StatusLine(argument.to_owned()))),
        "etag-suffix" => Some(Ok(Fault::EtagSuffix(argument.to_owned()))),
        "redirect" => Some(Ok(Fault::Redirect(argument.to_owned()))),
        "skewed-clock" => Some(parse_signed(argument).map(Fault::SkewedClock)),
        "content-length-off" => Some(parse_signed(argument).map(Fault::ContentLengthOff)),
        "content-range-off" => Some(content_range_off(argument)),
        "header" => {
            let (name, value) = match argument.split_once(':') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument, None),
            };
            Some(Ok(Fault::Header { name: name.to_owned(), value }))
        }
        "grow" => size(Fault::Grow),
        "flip-byte" => size(Fault::FlipByte),
        "other-bytes" => size(Fault::OtherBytes),
        "garbage-before-body" => size(Fault::GarbageBeforeBody),
        "short-body" => size(Fault::ShortBody),
        "long-body" => size(Fault::LongBody),
        "reset-after" => size(Fault::ResetAfter),
        "reset-connection-after" => size(Fault::ResetConnectionAfter),
        "close-after" => size(Fault::CloseAfter),
        "cut-off-after" => size(Fault::CutOffAfter),
        "stall-after" => size(Fault::StallAfter),
        "half-close-after" => size(Fault::HalfCloseAfter),
        "rate" => size(Fault::RateLimit),
        "common-link" => size(|rate| Fault::CommonLink(Link::new(rate))),
        "slow-headers" => time(Fault::SlowHeaders),
        "dribble-headers" => time(Fault::DribbleHeaders),
        "endless-headers" => time(Fault::EndlessHeaders),
        "dribble" => time(Fault::Dribble),
        "qos-delay" => time(Fault::QosDelay),
        "round-trip" => time(Fault::RoundTrip),
        _ => None,
    }
}

/// `503`, `503:ServiceUnavailable` or `503:ServiceUnavailable:2`.
fn status(argument: &str) -> Result<Fault, String> {
    let mut parts = argument.splitn(3, ':');
    let status = parse_status(parts.next().unwrap_or_default())?;
    let usual = match status {
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let code = parts.next().unwrap_or(usual).to_owned();
    let retry_after = parts.next().map(parse_count).transpose()?.map(Duration::from_secs);
    Ok(Fault::Status { status, code, retry_after })
}

/// `1:1:0`: the amounts added to the first byte, the last byte and the size.
fn content_range_off(argument: &str) -> Result<Fault, String> {
    let numbers: Vec<i64> = argument.split(':').map(parse_signed).collect::<Result<_, _>>()?;
    match numbers[..] {
        [first, last, total] => Ok(Fault::ContentRangeOff { first, last, total }),
        _ => Err(format!("'{argument}' is not FIRST:LAST:TOTAL")),
    }
}

fn parse_signed(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("'{text}' is not a number"))
}

fn parse_status(text: &str) -> Result<u16, String> {
    let status = text.parse().ok().filter(|status| (200..600).contains(status));
    status.ok_or_else(|| format!("'{text}' is not an HTTP status"))
}

fn parse_count(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("'{text}' is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        let (matcher, fault) = parse_fault(text).unwrap();
        format!("{fault:?} {matcher:?}")
    }

    #[test]
    fn names_arguments_and_conditions_are_read() {
        let text = shown("reset-after=5MB@every-connection:3,times:10,key:a/b");
        assert!(text.starts_with("ResetAfter(5000000)"), "{text}");
        assert!(text.contains("every_connection: Some(3)"), "{text}");
        assert!(text.contains("times: Some(10)"), "{text}");
        assert!(text.contains("key: Some(\"a/b\")"), "{text}");
        assert!(shown("status=503:Busy:2").contains("retry_after: Some(2s)"));
        assert!(shown("status=503@above-rate:10").contains("above_rate: Some(10)"));
        assert!(shown("status=503@above-active:4").contains("above_active: Some(4)"));
        assert!(
            shown("status-line=HTTP/1.1 2000 OK").starts_with("StatusLine(\"HTTP/1.1 2000 OK\")")
        );
        assert!(shown("etag-suffix=-gzip").starts_with("EtagSuffix(\"-gzip\")"));
        assert!(shown("replace-object-after=2").contains("nth: Some(3)"));
        assert!(shown("redirect=http://a@b/c@nth:1").contains("http://a@b/c"));
    }

    #[test]
    fn every_fault_in_the_help_is_understood() {
        let names = FAULT_HELP.lines().skip(1).take_while(|line| !line.starts_with("Conditions"));
        let words = names.flat_map(|line| line.get(24..).unwrap_or_default().split_whitespace());
        let mut count = 0;
        for word in words {
            let word = word.split('[').next().unwrap_or_default();
            let example = match word.split_once('=') {
                Some((name, "SIZE" | "OFFSET" | "REQUESTS" | "SECONDS" | "BYTES")) => {
                    format!("{name}=1")
                }
                Some((name, "FIRST:LAST:TOTAL")) => format!("{name}=1:-1:0"),
                Some((name, "TEXT")) => format!("{name}=text"),
                Some((name, "TIME")) => format!("{name}=1s"),
                _ => word.to_owned(),
            };
            assert!(parse_fault(&example).is_ok(), "{example}");
            count += 1;
        }
        assert!(count > 30, "the help lists {count} faults");
    }

    #[test]
    fn unknown_faults_are_refused() {
        for text in [
            "",
            "reset",
            "reset-after",
            "reset-after=x",
            "no-crc=1",
            "no-crc@",
            "no-crc@when:1",
            "html=1",
            "content-range-off=1:2",
        ] {
            assert!(parse_fault(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic(text in ".*") {
            let _ = parse_fault(&text);
        }
    }
}
