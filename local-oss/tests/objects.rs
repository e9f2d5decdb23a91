//! Special objects: growing, processed, linked.

mod support;

use std::time::{Duration, UNIX_EPOCH};

use local_oss::{Config, Fault, Matcher, Object, Pattern, Server};

use support::{BUCKET, Client, End, Reply, get, server};

const KEY: &str = "/examplebucket/key";
const CRC: &str = "x-oss-hash-crc64ecma";

fn with(object: Object) -> Server {
    let server = server();
    server.put(BUCKET, "key", object);
    server
}

fn pattern(size: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; size];
    Pattern::new(size as u64, seed).fill(0, &mut bytes);
    bytes
}

/// The headers that identify one state of an object.
fn identity(reply: &Reply) -> [Option<&str>; 3] {
    ["ETag", "Last-Modified", CRC].map(|name| reply.header(name))
}

fn assert_all_differ(replies: &[Reply]) {
    for (a, b) in identity(&replies[0]).iter().zip(identity(&replies[1])) {
        assert!(a.is_some() && b.is_some() && *a != b, "{a:?} {b:?}");
    }
}

#[test]
fn an_object_grows_before_each_reply_and_keeps_the_bytes_it_had() {
    let server = with(Object::pattern(1000, 7).appendable());
    server.inject_when(Matcher::any().method("GET"), Fault::Grow(50));
    let mut client = Client::new(&server);
    assert_eq!(client.head(KEY).header("Content-Length"), Some("1000"), "HEAD does not match");
    let replies = [(); 2].map(|()| client.get_range(KEY, "bytes=990-1010"));
    assert_all_differ(&replies);
    for (reply, size) in replies.iter().zip([1050, 1100]) {
        let content_range = format!("bytes 990-1010/{size}");
        assert_eq!((reply.status, reply.header("Content-Range")), (206, Some(&*content_range)));
        assert_eq!(reply.header("x-oss-object-type"), Some("Appendable"));
        assert_eq!(reply.header("x-oss-next-append-position"), Some(size.to_string().as_str()));
        assert_eq!(reply.header(CRC), Some(&*Pattern::new(size, 7).crc64().to_string()));
        assert!(reply.body == pattern(1011, 7)[990..]);
    }
    let etag = replies[0].header("ETag").unwrap();
    assert_eq!(client.get(KEY, &[("If-Match", etag)]).status, 412);
}

#[test]
fn an_object_grows_when_the_server_is_told_to() {
    let server = with(Object::bytes("123").appendable());
    let before = get(&server, KEY, &[]);
    let grown = server.append(BUCKET, "key", 20).unwrap();
    let after = get(&server, KEY, &[]);
    assert_eq!(grown.size(), 23);
    assert_eq!(after.body, [b"123".to_vec(), pattern(20, 0)].concat());
    assert_all_differ(&[before, after]);
    assert!(server.append(BUCKET, "none", 1).is_none());
}

#[test]
fn a_growing_object_can_have_no_checksum() {
    let server = with(Object::pattern(1000, 7).appendable().without_crc64());
    server.inject(Fault::Grow(50));
    for _ in 0..2 {
        let reply = get(&server, KEY, &[]);
        assert_eq!((reply.status, reply.header(CRC)), (200, None));
        assert_eq!(reply.header("x-oss-object-type"), Some("Appendable"));
    }
}

#[test]
fn a_growing_object_can_be_replaced() {
    let server = with(Object::pattern(1000, 7).appendable().without_crc64());
    let before = get(&server, KEY, &[]);
    server.replace(BUCKET, "key");
    let after = get(&server, KEY, &[]);
    assert_eq!((after.body.len(), after.header(CRC)), (1000, None));
    assert_eq!(after.header("x-oss-object-type"), Some("Appendable"));
    assert!(after.header("ETag") != before.header("ETag") && after.body[..8] != before.body[..8]);
}

#[test]
fn a_reply_in_progress_does_not_grow_with_its_object() {
    let server = with(Object::pattern(64 << 20, 1).appendable());
    let mut client = Client::new(&server);
    client.send("GET", KEY, &[]);
    assert!(support::eventually(|| server.requests().len() == 1));
    server.append(BUCKET, "key", 1000).unwrap();
    assert_eq!(client.reply(false).body.len(), 64 << 20);
}

#[test]
fn a_processed_object_is_a_stream_without_length_etag_and_checksum() {
    let server = with(Object::pattern(600_000, 1));
    let mut expected = pattern(600_000, 1);
    expected.reverse();
    let mut client = Client::new(&server);
    let target = format!("{KEY}?x-oss-process=image%2Fresize%2Cw_100");
    for headers in [&[][..], &[("Range", "bytes=10-19")]] {
        let reply = client.get(&target, headers);
        assert_eq!((reply.status, reply.end), (200, End::Complete));
        assert_eq!(reply.header("Transfer-Encoding"), Some("chunked"));
        for name in ["Content-Length", "Content-Range", "Accept-Ranges", "ETag", CRC] {
            assert_eq!(reply.header(name), None, "{name}");
        }
        assert!(reply.header("x-oss-request-id").is_some());
        assert!(reply.body == expected);
    }
    assert_eq!(client.head(&target).header("Content-Length"), Some("600000"), "HEAD is no GET");
}

#[test]
fn the_result_of_processing_can_be_set() {
    let server = with(Object::bytes("picture").processed("thumbnail"));
    let target = format!("{KEY}?x-oss-process=image%2Finfo");
    assert_eq!(get(&server, &target, &[]).text(), "thumbnail");
    assert_eq!(get(&server, KEY, &[]).text(), "picture");
    server.inject(Fault::CloseAfter(5));
    let cut = get(&server, &target, &[]);
    assert_eq!((cut.text().as_str(), cut.end), ("thumb", End::Closed));
}

#[test]
fn a_processed_object_can_be_sent_with_a_length_and_the_stored_object_s_headers() {
    let server = with(Object::bytes("picture").processed("thumbnail").processed_with_length());
    let reply = get(&server, &format!("{KEY}?x-oss-process=image%2Finfo"), &[]);
    assert_eq!((reply.text().as_str(), reply.header("Content-Length")), ("thumbnail", Some("9")));
    let stored = get(&server, KEY, &[]);
    assert!(stored.header(CRC).is_some());
    assert_eq!(identity(&reply), identity(&stored));
}

#[test]
fn a_link_has_the_content_length_and_etag_of_its_target_and_its_own_other_headers() {
    let server = server();
    let (early, late) = (UNIX_EPOCH + Duration::from_secs(1), UNIX_EPOCH + Duration::from_secs(2));
    let target = Object::bytes("123456789").content_type("text/plain").last_modified(early);
    let link = Object::symlink("target").header("x-oss-meta-of", "link").last_modified(late);
    server.put(BUCKET, "target", target);
    server.put(BUCKET, "key", link.clone());
    let expected = get(&server, "/examplebucket/target", &[]);
    let reply = get(&server, KEY, &[]);
    assert_eq!((reply.status, reply.text().as_str()), (200, "123456789"));
    for name in ["Content-Length", "ETag"] {
        assert_eq!(reply.header(name), expected.header(name), "{name}");
    }
    assert_eq!(reply.header("x-oss-object-type"), Some("Symlink"));
    assert_eq!(reply.header("Content-Type"), Some("application/octet-stream"));
    assert_eq!(reply.header("x-oss-meta-of"), Some("link"));
    assert_eq!(reply.header("Last-Modified"), Some("Thu, 01 Jan 1970 00:00:02 GMT"));
    assert!(reply.header(CRC).is_some() && reply.header(CRC) != expected.header(CRC));

    let part = [("Range", "bytes=2-4"), ("If-Match", expected.header("ETag").unwrap())];
    let reply = get(&server, KEY, &part);
    assert_eq!((reply.status, reply.text().as_str()), (206, "345"));
    server.put(BUCKET, "key", link.clone().without_crc64());
    assert_eq!(get(&server, KEY, &[]).header(CRC), None);
    server.put(BUCKET, "key", link.crc64(7));
    assert_eq!(get(&server, KEY, &[]).header(CRC), Some("7"));
}

#[test]
fn a_link_to_a_missing_object_or_to_a_link_is_an_error() {
    let config = Config { versioning: true, ..Config::default() };
    let server = Server::start(config).unwrap();
    server.put(BUCKET, "key", Object::symlink("target"));
    let missing = |reply: Reply| {
        assert_eq!((reply.status, reply.code().as_str()), (404, "SymlinkTargetNotExist"));
        assert_eq!(reply.header("x-oss-ec"), Some("0026-00000012"));
    };
    missing(get(&server, KEY, &[]));
    server.put(BUCKET, "target", Object::bytes("1"));
    assert_eq!(get(&server, KEY, &[]).status, 200);
    server.put(BUCKET, "target", Object::delete_marker());
    missing(get(&server, KEY, &[]));
    server.put(BUCKET, "target", Object::symlink("other"));
    let reply = get(&server, KEY, &[]);
    assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidTargetType"));
}
