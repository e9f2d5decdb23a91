use super::*;
use proptest::prelude::*;

fn parsed(text: &str) -> WebAddress {
    WebAddress::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
}

#[test]
fn a_url_is_kept_as_it_is_but_for_its_scheme_host_port_and_fragment() {
    for (given, kept) in [
        (
            "https://b.example.com/a%2Fb/../c?Signature=x%2B#part",
            "https://b.example.com/a%2Fb/../c?Signature=x%2B",
        ),
        ("HTTP://B.Example.COM:80/A", "http://b.example.com/A"),
        ("https://b.example.com:443", "https://b.example.com/"),
        ("https://b.example.com:80/", "https://b.example.com:80/"),
        ("https://b.example.com:/", "https://b.example.com/"),
        ("http://b.example.com?q", "http://b.example.com/?q"),
        (" http://[2001:DB8::1]:8080/x\n", "http://[2001:db8::1]:8080/x"),
        ("http://b_c.example.com./x", "http://b_c.example.com./x"),
        ("http://127.0.0.1/a b\\c\u{e9}|\"", "http://127.0.0.1/a%20b%5Cc%C3%A9%7C%22"),
    ] {
        assert_eq!(parsed(given).as_str(), kept);
    }
}

#[test]
fn what_is_not_a_url_of_a_web_server_is_refused() {
    for text in [
        "",
        "x",
        "/x",
        "//host/x",
        "ftp://host/x",
        "oss://bucket/key",
        "file:///etc/passwd",
        "http:host/x",
        "http:///x",
        "http://",
        "http://?x",
        "http://user@host/x",
        "http://user:password@host/x",
        "http://good.example.com\\@evil.example.com/",
        "http://ho st/x",
        "http://ho%73t/x",
        "http://h\u{f6}st/x",
        "http://[::1/x",
        "http://::1/x",
        "http://[v1.x]/x",
        "http://.../x",
        "http://host:0/x",
        "http://host:65536/x",
        "http://host:x/",
        "http://host:+80/",
        "http://host/\0",
        "http://host/a\r\nHost: evil",
    ] {
        assert!(WebAddress::parse(text).is_err(), "{text:?}");
    }
    let long = format!("http://host/{}", "x".repeat(MAX_URL));
    assert!(WebAddress::parse(&long).is_err());
    assert!(WebAddress::parse(&format!("http://host/{}", " ".repeat(MAX_URL / 2) + "x")).is_err());
    assert!(WebAddress::parse(&format!("http://{}/", "x".repeat(MAX_HOST + 1))).is_err());
}

#[test]
fn no_reason_contains_what_follows_the_scheme() {
    for text in
        ["ftp://SECRET", "SECRET", "SECRETSECRET:x", "http://SECRET@host", "http://SEC RET/"]
    {
        let why = WebAddress::parse(text).expect_err("refused");
        assert!(!why.contains("SECRET") && !why.contains("SEC RET"), "{why}");
    }
}

#[test]
fn the_query_is_not_shown_and_not_part_of_the_identity() {
    let url = parsed("https://Host:8443/dir/a%20b?Expires=1&Signature=SECRET");
    for shown in [format!("{url}"), format!("{url:?}")] {
        assert_eq!(shown, "https://host:8443/dir/a%20b");
    }
    assert_eq!(url.identity(), "//host:8443/dir/a%20b");
    assert_eq!((url.origin(), url.host()), ("https://host:8443", "host:8443"));
    assert_eq!(url.decoded_path().as_deref(), Some("/dir/a b"));
    assert_eq!(parsed("http://host/%ff").decoded_path(), None);
}

#[test]
fn parameters_are_found_whatever_their_case() {
    let url = parsed("http://host/?X-OSS-Date=20260101T000000Z&expires=1%30&expires=2&flag");
    assert_eq!(url.parameter("x-oss-date").as_deref(), Some("20260101T000000Z"));
    assert_eq!(url.parameter("Expires").as_deref(), Some("10"));
    assert_eq!((url.parameter("flag"), url.parameter("none")), (None, None));
    assert_eq!(parsed("http://host/?a=%ff").parameter("a"), None);
}

#[test]
fn a_location_is_resolved_as_rfc_3986_says() {
    // The examples of section 5.4, as far as they are http URLs.
    let base = parsed("http://a/b/c/d;p?q");
    for (reference, target) in [
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q"),
        ("g#s", "http://a/b/c/g"),
        ("g?y#s", "http://a/b/c/g?y"),
        (";x", "http://a/b/c/;x"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/../h", "http://a/b/c/h"),
        ("g?y/./x", "http://a/b/c/g?y/./x"),
        ("https://h:443/x/../y", "https://h/x/../y"),
    ] {
        assert_eq!(base.resolve(reference).expect(reference).as_str(), target, "{reference}");
    }
    for reference in ["mailto:x", "javascript:1", "http:g", "//user@host/", "/a\nb", "ftp://a/b"] {
        assert!(base.resolve(reference).is_err(), "{reference:?}");
    }
}

/// Texts that look like URLs.
fn url_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "http://",
        "https://",
        "HTTP:",
        "//",
        "/",
        "\\",
        "@",
        ":",
        "?",
        "#",
        "%2e",
        "%",
        "..",
        ".",
        "[::1]",
        "host",
        "127.0.0.1",
        "80",
        "443",
        "a",
        "&",
        "=",
        " ",
        "\u{e9}",
        "\t",
        "x:y",
        "xn--a",
        "_",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn agrees(ours: &WebAddress, theirs: &url::Url) -> Result<(), TestCaseError> {
    prop_assert_eq!(ours.is_https(), theirs.scheme() == "https");
    let port = theirs.port().map_or(String::new(), |port| format!(":{port}"));
    let host = theirs.host_str().unwrap_or_default();
    // Browsers also read 1.2 and 0x7f.1 as addresses.
    let is_short_address = host.parse::<std::net::Ipv4Addr>().is_ok();
    prop_assert!(
        is_short_address || ours.host() == format!("{host}{port}"),
        "{} {}",
        ours.host(),
        host
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Where the headers of the user go must not depend on the parser.
    #[test]
    fn a_browser_finds_the_same_host(text in url_like()) {
        if let (Ok(ours), Ok(theirs)) = (WebAddress::parse(&text), url::Url::parse(&text)) {
            agrees(&ours, &theirs)?;
        }
    }

    #[test]
    fn a_redirect_of_a_browser_leads_to_the_same_host_or_stays(text in url_like()) {
        let base = "https://base.example.com/dir/file?query";
        let ours = parsed(base).resolve(&text);
        let theirs = url::Url::parse(base).and_then(|base| base.join(&text));
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            // Browsers read a backslash as a slash; here it is part of the path.
            if ours.origin() != "https://base.example.com" {
                agrees(&ours, &theirs)?;
            }
        }
    }

    #[test]
    fn parsing_again_changes_nothing(text in url_like()) {
        if let Ok(url) = WebAddress::parse(&text) {
            prop_assert_eq!(&parsed(url.as_str()), &url);
            prop_assert!(url.as_str().bytes().all(|b| b.is_ascii_graphic()));
            prop_assert!(url.path().starts_with('/'));
            prop_assert!(!url.to_string().contains('?') && !url.identity().contains('?'));
            prop_assert_eq!(url.resolve(url.as_str()).unwrap(), url);
        }
    }

    #[test]
    fn any_text_is_parsed_without_a_panic(text in any::<String>(), reference in any::<String>()) {
        let _ = WebAddress::parse(&text);
        let _ = parsed("http://a/b?c").resolve(&reference);
    }
}
