//! Requests for a URL: what they must not contain, where the user's headers may be sent, and when the URL expires.

use jiff::{SignedDuration, Timestamp};

use super::clock;
use super::service_error::ServiceError;
use crate::model::error::{Error, Result};
use crate::model::request::{DownloadRequest, ResponseHeaders};
use crate::model::source_url::SourceUrl;
use crate::model::web_address::WebAddress;

/// Extra headers that cannot be credentials, in lower case. All others are sent only where the user sent them.
const HARMLESS_HEADERS: [&str; 5] =
    ["accept", "accept-language", "cache-control", "pragma", "user-agent"];

/// Checks the fields that a request with a URL must or must not have.
pub fn validate(request: &DownloadRequest, url: &SourceUrl) -> Result<()> {
    if !request.bucket.is_empty() || !request.key.is_empty() {
        return Err(Error::validation(
            "both a URL and a bucket or key are set; a request names its object in one of the two ways",
        ));
    }
    if let Err(why) = WebAddress::parse(url.as_str()) {
        return Err(Error::validation(format!("url is not valid: {why}")));
    }
    let unsigned = [
        ("version_id", request.version_id.is_some()),
        ("traffic_limit", request.traffic_limit != 0),
        ("requester_pays", request.requester_pays),
        ("response_headers", request.response_headers != ResponseHeaders::default()),
        ("extra_query", !request.extra_query.is_empty()),
    ];
    match unsigned.iter().find(|(_, is_set)| *is_set) {
        None => Ok(()),
        Some((name, _)) => Err(Error::validation(format!(
            "{name} cannot be combined with url, which is sent as it is: add it to the URL before that is signed"
        ))),
    }
}

/// Whether an extra header may be sent to another host than that of the URL for which it was given.
pub fn may_leave_host(header: &str) -> bool {
    HARMLESS_HEADERS.iter().any(|harmless| header.eq_ignore_ascii_case(harmless))
}

/// When a presigned URL of OSS expires: `Expires` (V1), or `x-oss-date` and `x-oss-expires` (V4). `None` if it does not
/// say.
pub fn expiry(url: &WebAddress) -> Option<Timestamp> {
    let seconds = |name| url.parameter(name)?.parse::<i64>().ok().filter(|seconds| *seconds >= 0);
    if let Some(signed) = url.parameter("x-oss-date") {
        let signed = clock::parse_basic_iso8601(&signed)?;
        return signed.checked_add(SignedDuration::from_secs(seconds("x-oss-expires")?)).ok();
    }
    // Other services use the name for other things.
    url.parameter("Signature")?;
    Timestamp::from_second(seconds("Expires")?).ok()
}

/// Whether a refusal says that the URL, which expires at `expiry` if that is known, has expired by `now`.
pub fn has_expired(refusal: &ServiceError, expiry: Option<Timestamp>, now: Timestamp) -> bool {
    let says = |text: &str| text.to_ascii_lowercase().contains("expired");
    matches!(refusal.status, 400 | 401 | 403)
        && (says(&refusal.code) || says(&refusal.message) || expiry.is_some_and(|at| at <= now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oss::reply::ReplyHead;
    use crate::oss::service_error;

    fn expires(url: &str) -> Option<i64> {
        expiry(&WebAddress::parse(url).expect("a URL")).map(Timestamp::as_second)
    }

    #[test]
    fn presigned_urls_say_when_they_expire() {
        for (query, expected) in [
            ("OSSAccessKeyId=x&Expires=1700000000&Signature=y", Some(1_700_000_000)),
            ("x-oss-date=20231114T221320Z&x-oss-expires=60&x-oss-signature=y", Some(1_700_000_060)),
            ("x-oss-date=20231114T221320Z&x-oss-expires=-60", None),
            ("x-oss-date=20231114T221320Z&x-oss-expires=99999999999999999", None),
            ("x-oss-date=yesterday&x-oss-expires=60", None),
            ("x-oss-date=20231114T221320Z", None),
            ("Expires=1700000000", None),
            ("Expires=x&Signature=y", None),
            ("", None),
        ] {
            assert_eq!(expires(&format!("https://host/key?{query}")), expected, "{query}");
        }
    }

    #[test]
    fn a_refusal_says_that_a_url_has_expired_in_words_or_by_its_time() {
        let refused = |status: u16, code: &str, message: &str| {
            let mut head = ReplyHead::default();
            head.push_line(format!("HTTP/1.1 {status} X").as_bytes());
            let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
            service_error::parse(&head, body.as_bytes())
        };
        let at = |second| Timestamp::from_second(second).expect("a time");
        let denied = refused(403, "AccessDenied", "You have no right.");
        for refusal in [
            refused(403, "AccessDenied", "Request has expired."),
            refused(400, "ExpiredToken", "The provided token is not valid."),
            refused(401, "X", "EXPIRED"),
        ] {
            assert!(has_expired(&refusal, None, at(0)));
        }
        assert!(!has_expired(&denied, None, at(0)) && !has_expired(&denied, Some(at(1)), at(0)));
        assert!(has_expired(&denied, Some(at(0)), at(0)));
        assert!(!has_expired(&refused(404, "NoSuchKey", "It expired."), Some(at(0)), at(9)));
    }
}
