//! Replies without faults.

mod support;

use std::time::{Duration, UNIX_EPOCH};

use local_oss::{Config, EmptyObjectRange, Object, Server};
use openssl::base64::decode_block;

use support::{BUCKET, Client, element, get, server};

const KEY: &str = "/examplebucket/key";
const STANDARD: (&str, &str) = ("x-oss-range-behavior", "standard");

fn with_object(object: Object) -> Server {
    with_config(Config::default(), object)
}

fn with_config(config: Config, object: Object) -> Server {
    let server = Server::start(config).unwrap();
    server.put(BUCKET, "key", object);
    server
}

#[test]
fn a_whole_object_is_sent_with_the_headers_of_oss() {
    let modified = UNIX_EPOCH + Duration::from_secs(1_447_426_073);
    let server = with_object(Object::bytes("123456789").last_modified(modified));
    let reply = get(&server, KEY, &[]);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body, b"123456789");
    let expected = [
        ("Server", "AliyunOSS"),
        ("Content-Type", "application/octet-stream"),
        ("Content-Length", "9"),
        ("Accept-Ranges", "bytes"),
        ("ETag", "\"25F9E794323B453885F5181F1B624D0B\""),
        ("Last-Modified", "Fri, 13 Nov 2015 14:47:53 GMT"),
        ("x-oss-object-type", "Normal"),
        ("x-oss-storage-class", "Standard"),
        ("x-oss-hash-crc64ecma", "11051210869376104954"),
        ("Connection", "keep-alive"),
    ];
    for (name, value) in expected {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    assert_eq!(reply.header("x-oss-request-id").map(str::len), Some(24));
    assert!(reply.header("Date").is_some_and(|date| date.ends_with(" GMT")));
    assert_eq!(reply.header("x-oss-version-id"), None);
}

#[test]
fn head_has_the_headers_and_no_body() {
    let server = with_object(Object::bytes("123456789"));
    let mut client = Client::new(&server);
    let reply = client.head(KEY);
    assert_eq!((reply.status, reply.header("Content-Length")), (200, Some("9")));
    assert_eq!(client.get(KEY, &[]).body, b"123456789", "the connection stays open");
}

#[test]
fn a_range_is_206_with_the_whole_objects_etag_and_checksum() {
    let server = with_object(Object::bytes("123456789"));
    let reply = get(&server, KEY, &[("Range", "bytes=2-4")]);
    assert_eq!((reply.status, reply.text().as_str()), (206, "345"));
    assert_eq!(reply.header("Content-Range"), Some("bytes 2-4/9"));
    assert_eq!(reply.header("x-oss-hash-crc64ecma"), Some("11051210869376104954"));
}

#[test]
fn a_range_past_the_end_depends_on_the_requested_behaviour() {
    let server = with_object(Object::bytes("123456789"));
    assert_eq!(get(&server, KEY, &[("Range", "bytes=4-99")]).status, 200);
    let clamped = get(&server, KEY, &[("Range", "bytes=4-99"), STANDARD]);
    assert_eq!((clamped.status, clamped.text().as_str()), (206, "56789"));
    assert_eq!(get(&server, KEY, &[("Range", "bytes=9-99")]).status, 200);
    let refused = get(&server, KEY, &[("Range", "bytes=9-99"), STANDARD]);
    assert_eq!((refused.status, refused.code().as_str()), (416, "InvalidRange"));
    assert_eq!(refused.header("Content-Range"), Some("bytes */9"));
    assert_eq!(element(&refused.text(), "ActualObjectSize"), "9");
}

#[test]
fn a_range_of_an_empty_object_is_a_switch() {
    for (switch, status) in [(EmptyObjectRange::Status416, 416), (EmptyObjectRange::Status200, 200)]
    {
        let config = Config { empty_object_range: switch, ..Config::default() };
        let server = with_config(config, Object::bytes(""));
        let reply = get(&server, KEY, &[("Range", "bytes=0-99"), STANDARD]);
        assert_eq!(reply.status, status);
        let whole = get(&server, KEY, &[]);
        assert_eq!((whole.status, whole.body.len()), (200, 0));
    }
}

#[test]
fn conditions_give_304_and_412() {
    let server = with_object(Object::bytes("1").etag("AB"));
    assert_eq!(get(&server, KEY, &[("If-Match", "\"AB\"")]).status, 200);
    let failed = get(&server, KEY, &[("If-Match", "\"CD\"")]);
    assert_eq!((failed.status, failed.code().as_str()), (412, "PreconditionFailed"));
    let mut client = Client::new(&server);
    let same = client.get(KEY, &[("If-None-Match", "\"AB\"")]);
    assert_eq!((same.status, same.header("Content-Length")), (304, None));
    assert_eq!(same.header("ETag"), Some("\"AB\""));
    assert_eq!(client.get(KEY, &[]).status, 200, "the connection stays open after 304");
}

#[test]
fn errors_name_code_request_and_host() {
    let server = with_object(Object::bytes("1"));
    let reply = get(&server, "/examplebucket/a%26b", &[("Host", "127.0.0.1:80")]);
    assert_eq!((reply.status, reply.code().as_str()), (404, "NoSuchKey"));
    assert_eq!(reply.header("Content-Type"), Some("application/xml"));
    assert_eq!(reply.header("x-oss-ec"), Some("0026-00000001"));
    let xml = reply.text();
    assert_eq!(Some(element(&xml, "RequestId").as_str()), reply.header("x-oss-request-id"));
    assert_eq!(element(&xml, "HostId"), "127.0.0.1:80");
    assert_eq!(element(&xml, "EC"), "0026-00000001");
    assert_eq!(element(&xml, "Key"), "a&amp;b");
    assert_eq!(get(&server, "/nobucket/key", &[]).code(), "NoSuchBucket");
}

#[test]
fn an_error_to_head_is_in_a_header() {
    let server = with_object(Object::bytes("1"));
    let mut client = Client::new(&server);
    let reply = client.head("/examplebucket/none");
    let xml = decode_block(reply.header("x-oss-err").unwrap()).unwrap();
    assert_eq!(element(&String::from_utf8(xml).unwrap(), "Code"), "NoSuchKey");
    assert_eq!(client.head(KEY).status, 200, "the connection stays open");
}

#[test]
fn only_reading_is_offered() {
    let server = with_object(Object::bytes("1"));
    let mut client = Client::new(&server);
    client.send("DELETE", KEY, &[]);
    let reply = client.reply(false);
    assert_eq!((reply.status, reply.code().as_str()), (405, "MethodNotAllowed"));
}

#[test]
fn versions_and_delete_markers_are_distinguished() {
    let config = Config { versioning: true, ..Config::default() };
    let server = with_config(config, Object::bytes("old").version_id("V1"));
    server.put(BUCKET, "key", Object::bytes("new").version_id("V2"));
    let newest = get(&server, KEY, &[]);
    assert_eq!((newest.text().as_str(), newest.header("x-oss-version-id")), ("new", Some("V2")));
    assert_eq!(get(&server, "/examplebucket/key?versionId=V1", &[]).text(), "old");
    assert_eq!(get(&server, "/examplebucket/key?versionId=V9", &[]).code(), "NoSuchVersion");

    server.put(BUCKET, "key", Object::delete_marker().version_id("V3"));
    let deleted = get(&server, KEY, &[]);
    assert_eq!((deleted.status, deleted.code().as_str()), (404, "NoSuchKey"));
    assert_eq!(deleted.header("x-oss-delete-marker"), Some("true"));
    assert_eq!(deleted.header("x-oss-version-id"), Some("V3"));
    let marker = get(&server, "/examplebucket/key?versionId=V3", &[]);
    assert_eq!((marker.status, marker.header("Allow")), (405, Some("DELETE")));
    assert_eq!(marker.code(), "MethodNotAllowed");
    assert_eq!(marker.header("x-oss-delete-marker"), Some("true"));
}

#[test]
fn an_archived_object_can_be_described_and_not_read() {
    let server = with_object(Object::bytes("1").archived());
    let reply = get(&server, KEY, &[]);
    assert_eq!((reply.status, reply.code().as_str()), (403, "InvalidObjectState"));
    let described = Client::new(&server).head(KEY);
    assert_eq!((described.status, described.header("x-oss-storage-class")), (200, Some("Archive")));
}

#[test]
fn response_parameters_replace_headers() {
    let server = with_object(Object::bytes("1").header("x-oss-meta-author", "me"));
    let query = "response-content-type=text%2Fplain&response-cache-control=no-store";
    let reply = get(&server, &format!("{KEY}?{query}"), &[("Range", "bytes=0-0")]);
    assert_eq!(reply.header("Content-Type"), Some("text/plain"));
    assert_eq!(reply.header("Cache-Control"), Some("no-store"));
    assert_eq!(reply.header("x-oss-meta-author"), Some("me"));
}

#[test]
fn virtual_host_path_style_and_custom_domains_reach_the_same_object() {
    let domains = vec![("dl.example.com".to_owned(), BUCKET.to_owned())];
    let config = Config { custom_domains: domains, ..Config::default() };
    let server = with_config(config, Object::bytes("found"));
    let hosts = [
        ("127.0.0.1:80", KEY),
        ("examplebucket.localhost:80", "/key"),
        ("examplebucket.oss-cn-hangzhou.aliyuncs.com", "/key"),
        ("dl.example.com", "/key"),
    ];
    for (host, target) in hosts {
        assert_eq!(get(&server, target, &[("Host", host)]).text(), "found", "{host}");
    }
}

#[test]
fn the_headers_that_not_every_object_has_can_be_left_out() {
    let config = Config { send_crc: false, send_etag: false, ..Config::default() };
    let reply = get(&with_config(config, Object::bytes("1")), KEY, &[]);
    assert_eq!(reply.header("x-oss-hash-crc64ecma"), None);
    assert_eq!(reply.header("ETag"), None);
}

#[test]
fn generated_objects_exist_in_every_bucket_at_any_size() {
    let server = server();
    server.create_bucket(BUCKET);
    let start = 1_u64 << 50;
    let target = "/examplebucket/generated/2048TiB-seed5.bin";
    let range = format!("bytes={start}-{}", start + 99);
    let reply = get(&server, target, &[("Range", &range)]);
    let expected =
        server.object_bytes(BUCKET, "generated/2048TiB-seed5.bin", start..start + 100).unwrap();
    assert_eq!((reply.status, &reply.body), (206, &expected));
    assert!(reply.header("x-oss-hash-crc64ecma").is_some());
}

#[test]
fn a_folder_is_served_with_etag_and_checksum() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a b.txt"), "123456789").unwrap();
    let server = server();
    server.serve_folder(BUCKET, folder.path());
    let reply = get(&server, "/examplebucket/a%20b.txt", &[]);
    assert_eq!(reply.text(), "123456789");
    assert_eq!(reply.header("x-oss-hash-crc64ecma"), Some("11051210869376104954"));
    assert_eq!(get(&server, "/examplebucket/..%2f..%2fetc%2fpasswd", &[]).status, 404);
}

#[test]
fn a_reply_in_progress_keeps_its_object() {
    let server = with_object(Object::pattern(64 << 20, 1));
    let old = server.object_bytes(BUCKET, "key", 0..64 << 20).unwrap();
    let mut client = Client::new(&server);
    client.send("GET", KEY, &[]);
    assert!(support::eventually(|| server.requests().len() == 1));
    server.replace(BUCKET, "key");
    assert!(client.reply(false).body == old);
    assert_ne!(server.object_bytes(BUCKET, "key", 0..8).unwrap(), old[..8]);
}

#[test]
fn an_unknown_traffic_limit_is_refused() {
    let server = with_object(Object::bytes("1"));
    assert_eq!(get(&server, KEY, &[("x-oss-traffic-limit", "1")]).code(), "InvalidArgument");
}
