//! Keys that are URLs: tools and consoles show an object's URL, but a request needs only its key.

use percent_encoding::percent_decode_str;

/// The bucket and key in `key` if it is the URL of an object: any `oss://` URL, and an `http://` or `https://` URL
/// whose host or path contains `bucket`, the bucket of the request.
///
/// OSS allows keys that look like URLs, and programs that store pages by their addresses use them. So all other URLs
/// are accepted as keys. Never panics.
pub fn parse(key: &str, bucket: &str) -> Option<(String, String)> {
    let (scheme, rest) = key.split_once("://")?;
    if scheme.eq_ignore_ascii_case("oss") {
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        return Some((bucket.to_owned(), key.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    // The query of a presigned URL contains a signature, which must not be shown.
    let rest = rest.split(['?', '#']).next()?;
    let (authority, path) = rest.split_once('/')?;
    let host = authority.rsplit('@').next()?;
    let in_host = host.split('.').next().is_some_and(|label| label.eq_ignore_ascii_case(bucket));
    let path = match (in_host && host.contains('.'), path.strip_prefix(bucket)) {
        (true, _) => path,
        (false, Some(rest)) => rest.strip_prefix('/')?,
        (false, None) => return None,
    };
    let key = percent_decode_str(path).decode_utf8_lossy().into_owned();
    Some((bucket.to_owned(), key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(key: &str) -> Option<(String, String)> {
        parse(key, "examplebucket")
    }

    #[test]
    fn the_url_of_an_object_gives_its_bucket_and_key() {
        let host = "examplebucket.oss-cn-hangzhou.aliyuncs.com";
        for (url, bucket, key) in [
            ("oss://examplebucket/dir/a.bin".to_owned(), "examplebucket", "dir/a.bin"),
            ("OSS://other/dir/a?b%20c".to_owned(), "other", "dir/a?b%20c"),
            ("oss://examplebucket".to_owned(), "examplebucket", ""),
            ("oss://".to_owned(), "", ""),
            (format!("https://{host}/dir/a%20b.bin"), "examplebucket", "dir/a b.bin"),
            (format!("HTTP://{host}:80/a?Signature=s#f"), "examplebucket", "a"),
            (format!("https://user:password@{host}/"), "examplebucket", ""),
            ("http://127.0.0.1:9000/examplebucket/dir/a".to_owned(), "examplebucket", "dir/a"),
        ] {
            assert_eq!(parsed(&url), Some((bucket.to_owned(), key.to_owned())), "{url}");
        }
    }

    #[test]
    fn keys_that_only_look_like_a_url_stay_keys() {
        for key in [
            "a/oss://examplebucket/b",
            "oss:/examplebucket/b",
            "ossx://examplebucket/b",
            "https://www.example.com/index.html",
            "https://other.oss-cn-hangzhou.aliyuncs.com/a",
            "https://examplebucket",
            "https://examplebucket/a",
            "https://example.com/examplebuckets/a",
            "ftp://examplebucket.example.com/a",
            "://",
        ] {
            assert_eq!(parsed(key), None, "{key}");
        }
    }

    proptest! {
        #[test]
        fn the_query_of_a_presigned_url_is_never_returned(path in "[a-z/]{0,20}", query in "[A-Z=&]{1,20}") {
            let found = parsed(&format!("https://examplebucket.example.com/{path}?{query}"));
            prop_assert_eq!(found, Some(("examplebucket".to_owned(), path)));
        }

        #[test]
        fn any_key_is_parsed_without_a_panic(key in any::<String>(), bucket in "[a-z-]{3,8}") {
            let _ = parse(&key, &bucket);
        }
    }
}
