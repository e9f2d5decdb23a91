//! Conditional requests.

use jiff::Timestamp;

use crate::clock::parse_http_date;
use crate::request::Request;

/// The result of a request's conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
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
pub(crate) fn judge(request: &Request, etag: &Etag<'_>, modified: Timestamp) -> Verdict {
    // HTTP dates have whole seconds.
    let modified = modified.as_second();
    let time = |name| request.header(name).and_then(parse_http_date).map(Timestamp::as_second);
    if let Some(list) = request.header("if-match") {
        if !etag.matches_strongly(list) {
            return Verdict::Failed("If-Match");
        }
    } else if time("if-unmodified-since").is_some_and(|limit| modified > limit) {
        return Verdict::Failed("If-Unmodified-Since");
    }
    if let Some(list) = request.header("if-none-match") {
        if etag.matches_weakly(list) {
            return Verdict::NotModified;
        }
    } else if time("if-modified-since").is_some_and(|limit| modified <= limit) {
        return Verdict::NotModified;
    }
    Verdict::Met
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

    fn verdict(headers: &[(&str, &str)]) -> Verdict {
        verdict_on(&Etag { value: "AB12", weak: false }, headers)
    }

    fn verdict_on(etag: &Etag<'_>, headers: &[(&str, &str)]) -> Verdict {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let headers = headers.iter().map(own).collect();
        let request = Request { headers, ..Request::default() };
        judge(&request, etag, parse_http_date(TIME).unwrap())
    }

    #[test]
    fn an_etag_is_found_in_a_list_with_or_without_quotes() {
        for list in ["\"AB12\"", "AB12", "\"x\", \"AB12\"", "*"] {
            assert_eq!(verdict(&[("If-Match", list)]), Verdict::Met, "{list}");
            assert_eq!(verdict(&[("If-None-Match", list)]), Verdict::NotModified, "{list}");
        }
        assert_eq!(verdict(&[("If-Match", "\"AB13\"")]), Verdict::Failed("If-Match"));
        assert_eq!(verdict(&[("If-None-Match", "\"AB13\"")]), Verdict::Met);
    }

    #[test]
    fn a_weak_etag_is_enough_for_if_none_match_only() {
        let weak = Etag { value: "AB12", weak: true };
        for list in ["\"AB12\"", "W/\"AB12\""] {
            let failed = Verdict::Failed("If-Match");
            assert_eq!(verdict_on(&weak, &[("If-Match", list)]), failed, "{list}");
            assert_eq!(verdict_on(&weak, &[("If-None-Match", list)]), Verdict::NotModified);
            assert_eq!(verdict(&[("If-None-Match", list)]), Verdict::NotModified, "{list}");
        }
        assert_eq!(verdict_on(&weak, &[("If-Match", "*")]), Verdict::Met);
        assert_eq!(verdict(&[("If-Match", "W/\"AB12\"")]), Verdict::Failed("If-Match"));
    }

    #[test]
    fn times_are_compared_to_the_second() {
        assert_eq!(verdict(&[("If-Modified-Since", OLD)]), Verdict::Met);
        assert_eq!(verdict(&[("If-Modified-Since", TIME)]), Verdict::NotModified);
        assert_eq!(verdict(&[("If-Unmodified-Since", TIME)]), Verdict::Met);
        assert_eq!(
            verdict(&[("If-Unmodified-Since", OLD)]),
            Verdict::Failed("If-Unmodified-Since")
        );
        assert_eq!(
            verdict(&[("If-Unmodified-Since", LATER), ("If-Modified-Since", "x")]),
            Verdict::Met
        );
    }

    #[test]
    fn an_etag_condition_makes_the_time_condition_void() {
        assert_eq!(verdict(&[("If-Match", "AB12"), ("If-Unmodified-Since", OLD)]), Verdict::Met);
        assert_eq!(verdict(&[("If-None-Match", "x"), ("If-Modified-Since", LATER)]), Verdict::Met);
    }
}
