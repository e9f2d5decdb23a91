//! The endpoint of the service, as users write it.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::model::error::{Error, Result};

/// The endpoint: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    https: bool,
    host: String,
    port: Option<u16>,
}

impl Endpoint {
    /// Parses `[http[s]://]host[:port][/]`; the default scheme is `https`. The host is a name, an IPv4 address or an
    /// IPv6 address, in brackets if a port follows. Anything else is a `ValidateError` that says what is wrong.
    pub fn parse(text: &str) -> Result<Endpoint> {
        let text = text.trim_matches([' ', '\t']);
        let (https, authority) = split_scheme(text)?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.is_empty() {
            return Err(refused(
                text,
                "it contains no host; use the form oss-cn-hangzhou.aliyuncs.com",
            ));
        }
        if authority.contains(['/', '?', '#', '@']) {
            return Err(refused(text, "it may contain only a scheme, a host and a port"));
        }
        let (host, port) = split_port(authority)
            .ok_or_else(|| refused(text, "its port is not a number from 1 to 65535"))?;
        let host = checked_host(host).ok_or_else(|| {
            refused(text, "its host is neither a name (in ASCII or punycode) nor an IP address")
        })?;
        Ok(Endpoint { https, host, port })
    }

    /// The region in the host name: `oss-cn-hangzhou[-internal].aliyuncs.com`, `cn-hangzhou.oss.aliyuncs.com`, with or
    /// without a bucket prefix. `None` for acceleration endpoints, custom domains and IP addresses.
    pub fn region(&self) -> Option<String> {
        let mut labels = self.host.strip_suffix(".aliyuncs.com")?.rsplit('.');
        let service = labels.next()?;
        let region = match service {
            "oss" => labels.next()?,
            _ => service.strip_prefix("vpc100-").unwrap_or(service).strip_prefix("oss-")?,
        };
        let region = region.strip_suffix("-internal").unwrap_or(region);
        is_region_of_a_host(region).then(|| region.to_owned())
    }

    /// The host as it appears in a URL: lower case, IPv6 addresses in brackets, no port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the host cannot be prefixed with a bucket: it is an IP address or `localhost`.
    pub(super) fn is_address_or_localhost(&self) -> bool {
        self.host == "localhost"
            || self.host.starts_with('[')
            || self.host.parse::<Ipv4Addr>().is_ok()
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    /// `:port`, or an empty string for the scheme's default port.
    pub(super) fn port_suffix(&self) -> String {
        match (self.port, self.https) {
            (None, _) | (Some(443), true) | (Some(80), false) => String::new(),
            (Some(port), _) => format!(":{port}"),
        }
    }
}

fn split_scheme(text: &str) -> Result<(bool, &str)> {
    match text.split_once("://") {
        None => Ok((true, text)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => Ok((true, rest)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => Ok((false, rest)),
        Some(_) => Err(refused(text, "its scheme is neither http nor https")),
    }
}

/// Splits off `:port`; `None` if there is one that is not a valid port number.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    if authority.parse::<Ipv6Addr>().is_ok() || authority.ends_with(']') {
        return Some((authority, None));
    }
    match authority.rsplit_once(':') {
        None => Some((authority, None)),
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
            port.parse().ok().filter(|port| *port != 0).map(|port| (host, Some(port)))
        }
        Some(_) => None,
    }
}

/// The host in its URL form, if it is valid.
fn checked_host(host: &str) -> Option<String> {
    let unbracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Ok(address) = unbracketed.unwrap_or(host).parse::<Ipv6Addr>() {
        return Some(format!("[{address}]"));
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let is_name = host.len() <= 253 && host.split('.').all(is_label);
    is_name.then(|| host.to_ascii_lowercase())
}

/// Distinguishes region ids from the other words that OSS puts after `oss-`: a region starts with two letters and a
/// dash (`cn-`, `us-`, `rg-`), unlike `accelerate` or `data-acc`.
fn is_region_of_a_host(text: &str) -> bool {
    match text.split_once('-') {
        Some((area, rest)) => {
            area.len() == 2 && area.bytes().all(|b| b.is_ascii_lowercase()) && !rest.is_empty()
        }
        None => false,
    }
}

fn refused(text: &str, why: &str) -> Error {
    // The text before an `@` may be a password.
    let shown = text.rsplit_once('@').map_or(text, |(_, host)| host);
    Error::validation(format!("the endpoint '{}' is not valid: {why}", shown.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error::ErrorKind;
    use proptest::prelude::*;

    fn endpoint(text: &str) -> Endpoint {
        Endpoint::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_bare_host_is_reached_over_https() {
        let bare = endpoint("oss-cn-hangzhou.aliyuncs.com");
        assert_eq!(bare.scheme(), "https");
        assert_eq!(bare, endpoint("https://oss-cn-hangzhou.aliyuncs.com/"));
        assert_eq!(bare, endpoint(" HTTPS://OSS-cn-hangzhou.aliyuncs.com "));
        assert_eq!(endpoint("http://oss-cn-hangzhou.aliyuncs.com").scheme(), "http");
    }

    #[test]
    fn ports_and_addresses_are_read() {
        for (text, host, suffix) in [
            ("example.com:8080", "example.com", ":8080"),
            ("http://example.com:80", "example.com", ""),
            ("https://example.com:443", "example.com", ""),
            ("http://example.com:443", "example.com", ":443"),
            ("127.0.0.1:9000", "127.0.0.1", ":9000"),
            ("[::1]:9000", "[::1]", ":9000"),
            ("[2001:DB8:0::1]", "[2001:db8::1]", ""),
            ("::1", "[::1]", ""),
            ("my_host", "my_host", ""),
        ] {
            let endpoint = endpoint(text);
            assert_eq!(
                (endpoint.host(), endpoint.port_suffix().as_str()),
                (host, suffix),
                "{text}"
            );
        }
    }

    #[test]
    fn only_addresses_and_localhost_cannot_be_prefixed_with_a_bucket() {
        for text in ["127.0.0.1", "[::1]:80", "localhost:80", "LOCALHOST"] {
            assert!(endpoint(text).is_address_or_localhost(), "{text}");
        }
        for text in ["oss-cn-hangzhou.aliyuncs.com", "127.0.0.1.example.com", "1.2.3", "local"] {
            assert!(!endpoint(text).is_address_or_localhost(), "{text}");
        }
    }

    #[test]
    fn the_region_is_taken_from_oss_hosts_only() {
        for (text, region) in [
            ("oss-cn-hangzhou.aliyuncs.com", Some("cn-hangzhou")),
            ("http://oss-cn-hangzhou-internal.aliyuncs.com:80", Some("cn-hangzhou")),
            ("bucket.oss-us-west-1.aliyuncs.com", Some("us-west-1")),
            ("cn-hangzhou.oss.aliyuncs.com", Some("cn-hangzhou")),
            ("bucket.cn-hangzhou.oss.aliyuncs.com", Some("cn-hangzhou")),
            ("vpc100-oss-cn-beijing.aliyuncs.com", Some("cn-beijing")),
            ("oss-rg-china-mainland.aliyuncs.com", Some("rg-china-mainland")),
            ("oss-accelerate.aliyuncs.com", None),
            ("oss-accelerate-overseas.aliyuncs.com", None),
            ("oss.aliyuncs.com", None),
            ("cn-hangzhou.oss-data-acc.aliyuncs.com", None),
            ("oss-cn-hangzhou.aliyuncs.com.example.com", None),
            ("oss-cn-hangzhou.example.com", None),
            ("cdn.example.com", None),
            ("127.0.0.1", None),
        ] {
            assert_eq!(endpoint(text).region().as_deref(), region, "{text}");
        }
    }

    #[test]
    fn an_invalid_endpoint_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "contains no host"),
            ("https://", "contains no host"),
            ("ftp://example.com", "scheme"),
            ("https://example.com/bucket", "only a scheme, a host and a port"),
            ("example.com?x=y", "only a scheme, a host and a port"),
            ("https://user:secret@example.com", "only a scheme, a host and a port"),
            ("example.com:", "port"),
            ("example.com:0", "port"),
            ("example.com:65536", "port"),
            ("example.com:http", "port"),
            ("exa mple.com", "host"),
            ("example..com", "host"),
            ("b\u{fc}cher.example", "host"),
            ("[::1", "host"),
            ("[example.com]", "host"),
            ("example.com\r\nX: y", "port"),
        ] {
            let error = Endpoint::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Validation, "{text}");
            assert!(error.message().contains(reason), "{text}: {error}");
            assert!(!error.message().contains("secret"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn parsing_any_endpoint_does_not_panic(text in any::<String>()) {
            if let Ok(endpoint) = Endpoint::parse(&text) {
                let _ = endpoint.region();
            }
        }

        #[test]
        fn an_endpoint_written_out_is_read_back(
            https in any::<bool>(), host in "[a-z][a-z0-9-]{0,20}(\\.[a-z0-9]{1,10}){0,3}", port in 1u16..,
        ) {
            let scheme = if https { "https" } else { "http" };
            let parsed = endpoint(&format!("{scheme}://{host}:{port}"));
            let again = endpoint(&format!("{}://{}{}", parsed.scheme(), parsed.host(), parsed.port_suffix()));
            prop_assert_eq!(parsed.host(), host);
            prop_assert_eq!(parsed.scheme(), again.scheme());
            prop_assert_eq!(parsed.port_suffix(), again.port_suffix());
        }
    }
}
