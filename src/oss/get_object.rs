//! The headers and the query of a GET or HEAD of an object.

use crate::model::request::DownloadRequest;

/// The conditions that a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conditions<'a> {
    /// The conditions of the download request; only the first HTTP request carries them.
    User,
    /// `If-Match` with the ETag of the generation being downloaded.
    Pinned {
        /// ETag without quotes.
        etag: &'a str,
    },
    /// No conditions.
    None,
}

/// The query and headers of one HTTP request, neither escaped nor signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// Query parameters.
    pub query: Vec<(String, Option<String>)>,
    /// Headers.
    pub headers: Vec<(String, String)>,
}

/// Composes a request for the bytes `range` = (first, last inclusive; `None`: to the end), or for the whole object.
/// `Accept-Encoding` is never sent: a coded body does not consist of the object's bytes.
pub fn compose(
    request: &DownloadRequest,
    range: Option<(u64, Option<u64>)>,
    conditions: Conditions<'_>,
) -> Composed {
    let mut headers: Vec<_> = range_header(range).into_iter().collect();
    // Without `standard`, OSS answers a range that ends beyond the object's end with the whole object. A URL may be
    // signed, and its signature does not cover the header.
    if range.is_some() && request.url.is_none() {
        headers.push(header("x-oss-range-behavior", "standard"));
    }
    match conditions {
        Conditions::User => headers.extend(user_conditions(request)),
        Conditions::Pinned { etag } => headers.push(header("If-Match", format!("\"{etag}\""))),
        Conditions::None => {}
    }
    if request.traffic_limit != 0 {
        headers.push(header("x-oss-traffic-limit", request.traffic_limit.to_string()));
    }
    if request.requester_pays {
        headers.push(header("x-oss-request-payer", "requester"));
    }
    headers.extend(request.extra_headers.iter().cloned());
    Composed { query: query(request), headers }
}

fn range_header(range: Option<(u64, Option<u64>)>) -> Option<(String, String)> {
    let (first, last) = range?;
    let last = last.map_or(String::new(), |last| last.to_string());
    Some(header("Range", format!("bytes={first}-{last}")))
}

fn user_conditions(request: &DownloadRequest) -> impl Iterator<Item = (String, String)> {
    let etags = |name: &str, etags: &[String]| {
        let list: Vec<String> = etags.iter().map(|etag| quoted(etag)).collect();
        (!list.is_empty()).then(|| header(name, list.join(", ")))
    };
    let date = |name: &str, date: &Option<String>| date.as_ref().map(|date| header(name, date));
    [
        etags("If-Match", &request.if_match),
        etags("If-None-Match", &request.if_none_match),
        date("If-Modified-Since", &request.if_modified_since),
        date("If-Unmodified-Since", &request.if_unmodified_since),
    ]
    .into_iter()
    .flatten()
}

fn query(request: &DownloadRequest) -> Vec<(String, Option<String>)> {
    let overrides = &request.response_headers;
    let fields = [
        ("versionId", &request.version_id),
        ("response-content-type", &overrides.content_type),
        ("response-content-language", &overrides.content_language),
        ("response-expires", &overrides.expires),
        ("response-cache-control", &overrides.cache_control),
        ("response-content-disposition", &overrides.content_disposition),
        ("response-content-encoding", &overrides.content_encoding),
    ];
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Some(value.clone()?))))
        .chain(request.extra_query.iter().map(|(name, value)| (name.clone(), Some(value.clone()))))
        .collect()
}

/// An ETag with the quotes of RFC 9110; users give it with or without them.
fn quoted(etag: &str) -> String {
    if etag == "*" || etag.starts_with('"') || etag.starts_with("W/") {
        etag.to_owned()
    } else {
        format!("\"{etag}\"")
    }
}

fn header(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> DownloadRequest {
        let mut request = DownloadRequest::new("bkt", "key");
        request.if_match = vec!["ABC".to_owned(), "\"DEF\"".to_owned()];
        request.if_none_match = vec!["*".to_owned()];
        request.if_modified_since = Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned());
        request.if_unmodified_since = Some("Mon, 07 Nov 1994 08:49:37 GMT".to_owned());
        request
    }

    fn headers(composed: &Composed) -> Vec<(&str, &str)> {
        composed.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    #[test]
    fn the_first_request_carries_the_users_conditions() {
        let composed = compose(&request(), Some((0, Some(99))), Conditions::User);
        assert_eq!(
            headers(&composed),
            [
                ("Range", "bytes=0-99"),
                ("x-oss-range-behavior", "standard"),
                ("If-Match", "\"ABC\", \"DEF\""),
                ("If-None-Match", "*"),
                ("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"),
                ("If-Unmodified-Since", "Mon, 07 Nov 1994 08:49:37 GMT"),
            ]
        );
    }

    #[test]
    fn later_requests_carry_the_generations_etag_and_no_other_condition() {
        let composed = compose(&request(), Some((7, None)), Conditions::Pinned { etag: "*" });
        assert_eq!(
            headers(&composed),
            [("Range", "bytes=7-"), ("x-oss-range-behavior", "standard"), ("If-Match", "\"*\""),]
        );
    }

    #[test]
    fn a_request_for_the_whole_object_has_no_range_headers() {
        let composed = compose(&request(), None, Conditions::None);
        assert!(composed.headers.is_empty() && composed.query.is_empty());
    }

    #[test]
    fn every_field_has_its_header_or_parameter() {
        let mut request = DownloadRequest::new("bkt", "key");
        request.version_id = Some("v1".to_owned());
        request.traffic_limit = 819_200;
        request.requester_pays = true;
        request.extra_headers = vec![("X-Trace".to_owned(), "t".to_owned())];
        request.extra_query = vec![("x-oss-process".to_owned(), String::new())];
        let some = |text: &str| Some(text.to_owned());
        request.response_headers.content_type = some("type");
        request.response_headers.content_language = some("language");
        request.response_headers.expires = some("expires");
        request.response_headers.cache_control = some("control");
        request.response_headers.content_disposition = some("disposition");
        request.response_headers.content_encoding = some("encoding");
        let composed = compose(&request, None, Conditions::None);
        assert_eq!(
            headers(&composed),
            [
                ("x-oss-traffic-limit", "819200"),
                ("x-oss-request-payer", "requester"),
                ("X-Trace", "t"),
            ]
        );
        let query: Vec<(&str, Option<&str>)> =
            composed.query.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        assert_eq!(
            query,
            [
                ("versionId", Some("v1")),
                ("response-content-type", Some("type")),
                ("response-content-language", Some("language")),
                ("response-expires", Some("expires")),
                ("response-cache-control", Some("control")),
                ("response-content-disposition", Some("disposition")),
                ("response-content-encoding", Some("encoding")),
                ("x-oss-process", Some("")),
            ]
        );
    }
}
