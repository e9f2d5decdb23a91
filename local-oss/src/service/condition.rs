//! Conditional requests.

use jiff::Timestamp;

use crate::clock::parse_http_date;
use crate::request::Request;

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Go on.
    Met,
    /// 304, no body.
    NotModified,
    /// 412, because of this header.
    Failed(&'static str),
}

/// Judges the conditional headers against an object's ETag and time.
///
/// OSS document "GetObject": `If-Match` and `If-Unmodified-Since` give 412, `If-None-Match` and
/// `If-Modified-Since` 304; the operation "is compatible with the RFC", whose rule it is that an ETag
/// condition makes the time condition of its kind void.
pub(crate) fn judge(request: &Request, etag: &str, modified: Timestamp) -> Verdict {
    // HTTP dates have whole seconds.
    let modified = modified.as_second();
    let time = |name| request.header(name).and_then(parse_http_date).map(Timestamp::as_second);
    if let Some(list) = request.header("if-match") {
        if !names(list, etag) {
            return Verdict::Failed("If-Match");
        }
    } else if time("if-unmodified-since").is_some_and(|limit| modified > limit) {
        return Verdict::Failed("If-Unmodified-Since");
    }
    if let Some(list) = request.header("if-none-match") {
        if names(list, etag) {
            return Verdict::NotModified;
        }
    } else if time("if-modified-since").is_some_and(|limit| modified <= limit) {
        return Verdict::NotModified;
    }
    Verdict::Met
}

/// Whether a list such as `"a", "b"` or `*` names `etag`; quotes are optional, as in the SDKs' examples.
fn names(list: &str, etag: &str) -> bool {
    let mut tags = list.split(',').map(|tag| tag.trim().trim_matches('"'));
    list.trim() == "*" || tags.any(|tag| tag.eq_ignore_ascii_case(etag))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "Fri, 13 Nov 2015 14:47:52 GMT";
    const TIME: &str = "Fri, 13 Nov 2015 14:47:53 GMT";
    const LATER: &str = "Fri, 13 Nov 2015 14:47:54 GMT";

    fn verdict(headers: &[(&str, &str)]) -> Verdict {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let headers = headers.iter().map(own).collect();
        let request = Request { headers, ..Request::default() };
        judge(&request, "AB12", parse_http_date(TIME).unwrap())
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
