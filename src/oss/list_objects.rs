//! The headers and the query of a request for one page of a listing (ListObjectsV2).

use super::get_object::Composed;
use crate::model::listing::ListRequest;

/// Composes the request for the page that begins at `token`, or for the first one. Names are always asked for in
/// percent-encoding, because XML cannot express all of them.
pub fn compose(request: &ListRequest, token: Option<&str>) -> Composed {
    let max_keys = request.max_keys.to_string();
    let parameters = [
        ("list-type", Some("2")),
        ("encoding-type", Some("url")),
        ("max-keys", Some(max_keys.as_str())),
        ("prefix", Some(request.prefix.as_str())),
        ("delimiter", request.delimiter.as_deref()),
        // The token continues at its own place.
        ("start-after", request.start_after.as_deref().filter(|_| token.is_none())),
        ("continuation-token", token),
    ];
    let set = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let query = set
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), Some(value.to_owned())))
        .collect();
    let mut headers = Vec::new();
    if request.requester_pays {
        headers.push(("x-oss-request-payer".to_owned(), "requester".to_owned()));
    }
    Composed { query, headers }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(request: &ListRequest, token: Option<&str>) -> Vec<(String, String)> {
        let query = compose(request, token).query;
        query.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn only_what_is_set_is_sent() {
        assert_eq!(
            query(&ListRequest::new("bkt"), None),
            pairs(&[("list-type", "2"), ("encoding-type", "url"), ("max-keys", "1000")])
        );
        assert!(compose(&ListRequest::new("bkt"), None).headers.is_empty());
    }

    #[test]
    fn every_field_has_its_parameter_and_a_token_takes_the_place_of_start_after() {
        let mut request = ListRequest::new("bkt").prefix("a/").delimiter("/").start_after("a/b");
        (request.max_keys, request.requester_pays) = (7, true);
        let common = [
            ("list-type", "2"),
            ("encoding-type", "url"),
            ("max-keys", "7"),
            ("prefix", "a/"),
            ("delimiter", "/"),
        ];
        let with = |last| pairs(&[common.as_slice(), &[last]].concat());
        assert_eq!(query(&request, None), with(("start-after", "a/b")));
        assert_eq!(query(&request, Some("t+/=")), with(("continuation-token", "t+/=")));
        let headers = compose(&request, None).headers;
        assert_eq!(headers, pairs(&[("x-oss-request-payer", "requester")]));
    }
}
