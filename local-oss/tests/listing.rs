//! Listings of a bucket.

mod support;

use local_oss::{Fault, Matcher, Object, Server};

use support::{BUCKET, Reply, element, get, server};

fn with_keys(keys: &[&str]) -> Server {
    let server = server();
    server.create_bucket(BUCKET);
    for key in keys {
        server.put(BUCKET, key, Object::bytes(*key));
    }
    server
}

fn list(server: &Server, query: &str) -> Reply {
    get(server, &format!("/{BUCKET}/?list-type=2{query}"), &[])
}

/// The contents of all elements with that name.
fn elements(reply: &Reply, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let text = reply.text();
    let parts = text.split(&open).skip(1);
    parts.map(|part| part.split(&close).next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_page_has_the_elements_of_oss() {
    let server = with_keys(&["fun/a", "fun/b"]);
    let reply = list(&server, "&prefix=fun/&max-keys=1&encoding-type=url");
    assert_eq!((reply.status, reply.header("Content-Type")), (200, Some("application/xml")));
    let text = reply.text();
    for (name, value) in [
        ("Name", BUCKET),
        ("Prefix", "fun%2F"),
        ("MaxKeys", "1"),
        ("EncodingType", "url"),
        ("IsTruncated", "true"),
        ("Key", "fun%2Fa"),
        ("Size", "5"),
        ("StorageClass", "Standard"),
        ("Type", "Normal"),
        ("KeyCount", "1"),
    ] {
        assert_eq!(element(&text, name), value, "{name}");
    }
    assert!(element(&text, "ETag").starts_with('"'));
    assert!(element(&text, "LastModified").ends_with(".000Z"));
}

#[test]
fn pages_follow_one_another_by_their_tokens() {
    let keys = ["a", "b/1", "b/2", "b0", "c/1", "d"];
    let server = with_keys(&keys);
    for (query, expected) in [("", 6), ("&delimiter=/", 5), ("&prefix=b&delimiter=/", 2)] {
        for max_keys in 1..=7 {
            let (mut token, mut found, mut pages) = (String::new(), Vec::new(), 0);
            loop {
                let page = list(&server, &format!("{query}&max-keys={max_keys}{token}"));
                let (mut keys, prefixes) =
                    (elements(&page, "Key"), elements(&page, "CommonPrefixes"));
                keys.extend(prefixes);
                assert!(keys.len() <= max_keys, "{query}");
                found.extend(keys);
                pages += 1;
                let next = element(&page.text(), "NextContinuationToken");
                if next.is_empty() {
                    assert_eq!(element(&page.text(), "IsTruncated"), "false");
                    break;
                }
                token = format!("&continuation-token={}", next.replace('+', "%2B"));
            }
            found.sort();
            found.dedup();
            assert_eq!(found.len(), expected, "{query} {max_keys}");
            assert_eq!(pages, expected.div_ceil(max_keys), "{query} {max_keys}");
        }
    }
}

#[test]
fn names_are_escaped_for_xml_unless_they_are_encoded() {
    let server = with_keys(&["a&<b>\u{1} +/\u{e9}"]);
    assert_eq!(elements(&list(&server, ""), "Key"), ["a&amp;&lt;b&gt; +/\u{e9}"]);
    let encoded = list(&server, "&encoding-type=url");
    assert_eq!(elements(&encoded, "Key"), ["a%26%3Cb%3E%01%20%2B%2F%C3%A9"]);
}

#[test]
fn wrong_parameters_and_missing_buckets_are_errors() {
    let server = with_keys(&[]);
    for query in ["&max-keys=0", "&max-keys=1001", "&encoding-type=x", "&continuation-token=%3F"] {
        let reply = list(&server, query);
        assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidArgument"), "{query}");
    }
    let reply = get(&server, "/anotherbucket/?list-type=2", &[]);
    assert_eq!((reply.status, reply.code().as_str()), (404, "NoSuchBucket"));
}

#[test]
fn files_of_a_folder_are_listed_by_their_paths() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("sub/deep")).unwrap();
    for file in ["a", "a.headers", "sub/b", "sub/deep/c"] {
        std::fs::write(root.path().join(file), "x: y").unwrap();
    }
    let server = server();
    server.create_bucket(BUCKET);
    server.serve_folder(BUCKET, root.path());
    assert_eq!(elements(&list(&server, ""), "Key"), ["a", "sub/b", "sub/deep/c"]);
}

#[test]
fn faults_apply_to_listings_by_their_empty_key() {
    let server = with_keys(&["a"]);
    let body = "<ListBucketResult/>";
    server.inject_when(Matcher::any().key("").nth(2), Fault::Body(body.into()));
    assert_eq!(elements(&list(&server, ""), "Key"), ["a"]);
    assert_eq!(list(&server, "&max-keys=0").text(), body);
    assert_eq!(get(&server, &format!("/{BUCKET}/a"), &[]).body, b"a");
}
