//! Endpoints: an accepted one is formatted as an equivalent URL, and the error for a refused one leaks
//! nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oss_resumable::AddressStyle;
use oss_resumable::fuzzing::address::object_address;
use oss_resumable::fuzzing::endpoint::Endpoint;

fuzz_target!(|text: &str| {
    let endpoint = match Endpoint::parse(text) {
        Ok(endpoint) => endpoint,
        Err(error) => {
            assert!(!error.message().chars().any(char::is_control), "{error}");
            // The text before the last `@` may be a password.
            assert!(!error.message().contains('@'), "{error}");
            return;
        }
    };
    let host = endpoint.host();
    let is_host = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.[]:".contains(&b);
    assert!(!host.is_empty() && host.bytes().all(is_host), "{host}");
    assert!(host.starts_with('[') || !host.contains(['[', ']', ':']), "{host}");
    if let Some(region) = endpoint.region() {
        assert!(!region.is_empty() && host.contains(&region), "{region} of {host}");
    }

    let url = url(&endpoint);
    let again = Endpoint::parse(&url).unwrap_or_else(|error| panic!("{url}: {error}"));
    assert_eq!((again.host(), again.scheme()), (host, endpoint.scheme()), "{url}");
    assert_eq!(self::url(&again), url);
    assert!(url.starts_with(&format!("{}://", endpoint.scheme())));
    assert!(url.bytes().all(|b| b.is_ascii_graphic()), "{url}");
});

/// Scheme, host and port as in an object's URL.
fn url(endpoint: &Endpoint) -> String {
    let address = object_address(endpoint, AddressStyle::Cname, "bucket", "k").expect("an address");
    address.url.strip_suffix("/k").expect("the key ends it").to_owned()
}
