//! The URL of an object.

use super::endpoint::Endpoint;
use super::escape;
use crate::model::error::{Error, Result};
use crate::model::options::AddressStyle;

/// The URL of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `scheme://host[:port]/path`, percent-encoded, without a query. The path may contain `.` and `..` segments, which
    /// belong to the key: the HTTP client must send it unchanged.
    pub url: String,
}

/// The URL of `key` in `bucket`. [`AddressStyle::Auto`] puts the bucket into the host name, or into the path if the
/// host is an IP address or `localhost`.
///
/// Fails with `ValidateError` if the endpoint already contains the bucket.
pub fn object_address(
    endpoint: &Endpoint,
    style: AddressStyle,
    bucket: &str,
    key: &str,
) -> Result<Address> {
    let in_path = match style {
        AddressStyle::Auto => endpoint.is_address_or_localhost(),
        AddressStyle::Path => true,
        AddressStyle::Cname => false,
    };
    let in_host = style == AddressStyle::Auto && !in_path;
    if in_host {
        refuse_doubled_bucket(endpoint, bucket)?;
    }
    let scheme = endpoint.scheme();
    let host = endpoint.host();
    let port = endpoint.port_suffix();
    let key = escape::path(key);
    let url = if in_host {
        format!("{scheme}://{bucket}.{host}{port}/{key}")
    } else if in_path {
        format!("{scheme}://{host}{port}/{bucket}/{key}")
    } else {
        format!("{scheme}://{host}{port}/{key}")
    };
    Ok(Address { url })
}

/// `url` with `query` appended, percent-encoded. A parameter without a value, or with an empty one, is written without
/// `=`, as it is signed.
pub fn with_query(url: &str, query: &[(String, Option<String>)]) -> String {
    let mut result = url.to_owned();
    for (position, (name, value)) in query.iter().enumerate() {
        result.push(if position == 0 { '?' } else { '&' });
        result.push_str(&escape::component(name));
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            result.push('=');
            result.push_str(&escape::component(value));
        }
    }
    result
}

fn refuse_doubled_bucket(endpoint: &Endpoint, bucket: &str) -> Result<()> {
    let service = endpoint.host().strip_prefix(bucket).and_then(|rest| rest.strip_prefix('.'));
    match service {
        Some(service) if service.starts_with("oss-") && service.ends_with(".aliyuncs.com") => {
            Err(Error::validation(format!(
                "the endpoint '{}' already contains the bucket '{bucket}'; use '{service}'",
                endpoint.host()
            )))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(endpoint: &str, style: AddressStyle, bucket: &str, key: &str) -> String {
        let endpoint = Endpoint::parse(endpoint).unwrap();
        object_address(&endpoint, style, bucket, key).unwrap().url
    }

    #[test]
    fn the_address_style_decides_where_the_bucket_is() {
        use AddressStyle::{Auto, Cname, Path};
        for (endpoint, style, expected) in [
            ("example.com", Auto, "https://bkt.example.com/k"),
            ("http://example.com:81", Auto, "http://bkt.example.com:81/k"),
            ("example.com", Path, "https://example.com/bkt/k"),
            ("cdn.example.com", Cname, "https://cdn.example.com/k"),
            ("http://127.0.0.1:9000", Auto, "http://127.0.0.1:9000/bkt/k"),
            ("http://[::1]:9000", Auto, "http://[::1]:9000/bkt/k"),
            ("http://localhost:9000", Auto, "http://localhost:9000/bkt/k"),
            ("http://127.0.0.1:9000", Cname, "http://127.0.0.1:9000/k"),
        ] {
            assert_eq!(url(endpoint, style, "bkt", "k"), expected, "{endpoint}");
        }
    }

    #[test]
    fn keys_are_escaped_and_keep_their_slashes_and_dots() {
        let url = |key| url("example.com", AddressStyle::Cname, "bkt", key);
        assert_eq!(url("a b/../\u{e9}?#%"), "https://example.com/a%20b/../%C3%A9%3F%23%25");
        assert_eq!(url("dir/"), "https://example.com/dir/");
    }

    #[test]
    fn an_endpoint_that_contains_the_bucket_is_refused_and_the_error_names_the_right_one() {
        let endpoint = Endpoint::parse("bkt.oss-cn-hangzhou.aliyuncs.com").unwrap();
        let error = object_address(&endpoint, AddressStyle::Auto, "bkt", "k").unwrap_err();
        assert!(error.message().contains("use 'oss-cn-hangzhou.aliyuncs.com'"), "{error}");
        object_address(&endpoint, AddressStyle::Auto, "other", "k").unwrap();
        object_address(&endpoint, AddressStyle::Cname, "bkt", "k").unwrap();
        // A bucket may be named like the host of a region.
        let endpoint = Endpoint::parse("oss-cn-hangzhou.aliyuncs.com").unwrap();
        object_address(&endpoint, AddressStyle::Auto, "oss-cn-hangzhou", "k").unwrap();
    }

    #[test]
    fn a_query_is_escaped_and_valueless_parameters_have_no_equals_sign() {
        let parameter =
            |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
        let query = [
            parameter("objectMeta", None),
            parameter("acl", Some("")),
            parameter("a b", Some("c&d=e/\u{e9}")),
        ];
        assert_eq!(with_query("https://h/k", &[]), "https://h/k");
        assert_eq!(
            with_query("https://h/k", &query),
            "https://h/k?objectMeta&acl&a%20b=c%26d%3De%2F%C3%A9"
        );
    }
}
