//! Conditional requests.

use jiff::Timestamp;

use crate::clock::parse_http_date;
use crate::request::Request;

/// The result of a request's conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All conditions hold.
    Met,
    /// 304, no body.
    NotModified,
    /// 412, because of this header.
    Failed(&'static str),
}

/// An object's entity tag, without quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Etag<'a> {
    pub(crate) value: &'a str,
    /// Sent as `W/"…"`.
    pub(crate) weak: bool,
}

/// Evaluates the conditional headers for an object's ETag and time.
///
/// OSS document "GetObject": `If-Match` and `If-Unmodified-Since` give 412, `If-None-Match` and
/// `If-Modified-Since` 304. The operation "is compatible with the RFC", in which an ETag condition overrides
/// the time condition of its kind.
pub(crate) fn evaluate(request: &Request, etag: &Etag<'_>, modified: Timestamp) -> Outcome {
    // HTTP dates have whole seconds.
    let modified = modified.as_second();
    let time = |name| request.header(name).and_then(parse_http_date).map(Timestamp::as_second);
    if let Some(list) = request.header("if-match") {
        if !etag.matches_strongly(list) {
            return Outcome::Failed("If-Match");
        }
    } else if time("if-unmodified-since").is_some_and(|limit| modified > limit) {
        return Outcome::Failed("If-Unmodified-Since");
    }
    if let Some(list) = request.header("if-none-match") {
        if etag.matches_weakly(list) {
            return Outcome::NotModified;
        }
    } else if time("if-modified-since").is_some_and(|limit| modified <= limit) {
        return Outcome::NotModified;
    }
    Outcome::Met
}

impl Etag<'_> {
    /// Whether `If-Match` holds for a list such as `"a", "b"` or `*`: a weak tag matches nothing (RFC 9110
    /// §13.1.1).
    fn matches_strongly(&self, list: &str) -> bool {
        list.trim() == "*" || (!self.weak && list.split(',').any(|tag| self.is(tag)))
    }

    /// Whether `If-None-Match` contains the tag, weak or not (RFC 9110 §13.1.2).
    fn matches_weakly(&self, list: &str) -> bool {
        let mut tags = list.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
        list.trim() == "*" || tags.any(|tag| self.is(tag))
    }

    /// Quotes are optional, as in the SDKs' examples.
    fn is(&self, tag: &str) -> bool {
        tag.trim().trim_matches('"').eq_ignore_ascii_case(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "Fri, 13 Nov 2015 14:47:52 GMT";
    const TIME: &str = "Fri, 13 Nov 2015 14:47:53 GMT";
    const LATER: &str = "Fri, 13 Nov 2015 14:47:54 GMT";

    fn outcome(headers: &[(&str, &str)]) -> Outcome {
        outcome_on(&Etag { value: "AB12", weak: false }, headers)
    }

    fn outcome_on(etag: &Etag<'_>, headers: &[(&str, &str)]) -> Outcome {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let headers = headers.iter().map(own).collect();
        let request = Request { headers, ..Request::default() };
        evaluate(&request, etag, parse_http_date(TIME).unwrap())
    }

    #[test]
    fn an_etag_is_found_in_a_list_with_or_without_quotes() {
        for list in ["\"AB12\"", "AB12", "\"x\", \"AB12\"", "*"] {
            assert_eq!(outcome(&[("If-Match", list)]), Outcome::Met, "{list}");
            assert_eq!(outcome(&[("If-None-Match", list)]), Outcome::NotModified, "{list}");
        }
        assert_eq!(outcome(&[("If-Match", "\"AB13\"")]), Outcome::Failed("If-Match"));
        assert_eq!(outcome(&[("If-None-Match", "\"AB13\"")]), Outcome::Met);
    }

    #[test]
    fn a_weak_etag_is_enough_for_if_none_match_only() {
        let weak = Etag { value: "AB12", weak: true };
        for list in ["\"AB12\"", "W/\"AB12\""] {
            let failed = Outcome::Failed("If-Match");
            assert_eq!(outcome_on(&weak, &[("If-Match", list)]), failed, "{list}");
            assert_eq!(outcome_on(&weak, &[("If-None-Match", list)]), Outcome::NotModified);
            assert_eq!(outcome(&[("If-None-Match", list)]), Outcome::NotModified, "{list}");
        }
        assert_eq!(outcome_on(&weak, &[("If-Match", "*")]), Outcome::Met);
        assert_eq!(outcome(&[("If-Match", "W/\"AB12\"")]), Outcome::Failed("If-Match"));
    }

    #[test]
    fn times_are_compared_to_the_second() {
        assert_eq!(outcome(&[("If-Modified-Since", OLD)]), Outcome::Met);
        assert_eq!(outcome(&[("If-Modified-Since", TIME)]), Outcome::NotModified);
        assert_eq!(outcome(&[("If-Unmodified-Since", TIME)]), Outcome::Met);
        assert_eq!(
            outcome(&[("If-Unmodified-Since", OLD)]),
            Outcome::Failed("If-Unmodified-Since")
        );
        assert_eq!(
            outcome(&[("If-Unmodified-Since", LATER), ("If-Modified-Since", "x")]),
            Outcome::Met
        );
    }

    #[test]
    fn an_etag_condition_makes_the_time_condition_void() {
        assert_eq!(outcome(&[("If-Match", "AB12"), ("If-Unmodified-Since", OLD)]), Outcome::Met);
        assert_eq!(outcome(&[("If-None-Match", "x"), ("If-Modified-Since", LATER)]), Outcome::Met);
    }
}
