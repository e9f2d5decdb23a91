//! URLs and redirects: an accepted URL is sent with its own path and query to the host that it names; what is shown of
//! it, and the reason for a refused one, contain no query and no user info. A line end separates a URL and the Location
//! of a reply to it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oss_resumable::DownloadRequest;
use oss_resumable::fuzzing::source_url;
use oss_resumable::fuzzing::validate;
use oss_resumable::fuzzing::web_address::{MAX_URL, WebAddress};

fn check(url: &WebAddress) {
    let text = url.as_str();
    assert!(text.len() <= MAX_URL && text.bytes().all(|b| b.is_ascii_graphic()), "{text}");
    assert!(!text.contains('#') && !text.contains('\\'), "{text}");
    let (scheme, host) = url.origin().split_once("://").expect("an origin");
    assert_eq!(scheme == "https", url.is_https(), "{text}");
    assert!(scheme == "https" || scheme == "http", "{text}");
    assert!(host == url.host() && !host.is_empty(), "{text}");
    let is_host = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.[]:".contains(&b);
    assert!(host.bytes().all(is_host), "{text}");
    assert!(url.path().starts_with('/') && !url.path().contains('?'), "{text}");
    assert!(text.starts_with(&format!("{}{}", url.origin(), url.path())), "{text}");
    for shown in [url.to_string(), format!("{url:?}"), url.identity()] {
        assert!(!shown.contains(['?', '@']) || url.path().contains('@'), "{shown}");
    }
    assert_eq!(WebAddress::parse(text).as_ref(), Ok(url), "{text}");
    assert_eq!(url.resolve(text).as_ref(), Ok(url), "{text}");
    let _ = source_url::expiry(url);
}

fuzz_target!(|text: &str| {
    let (given, location) = text.split_once('\n').unwrap_or((text, ""));
    let url = match WebAddress::parse(given) {
        Ok(url) => url,
        Err(why) => {
            assert!(why.len() < 200 && !why.contains(['@', '?']), "{why}");
            return;
        }
    };
    check(&url);
    let request = DownloadRequest::from_url(given);
    if validate::request(&request).is_ok() {
        let name = request.default_file_name().expect("validated");
        assert!(!name.is_empty() && !name.contains(['/', '\0']) && name != "." && name != "..");
    }
    if let Ok(target) = url.resolve(location) {
        check(&target);
        if !location.contains(':') && !location.trim_start().starts_with("//") {
            assert_eq!(target.origin(), url.origin(), "{location}");
        }
    }
});
