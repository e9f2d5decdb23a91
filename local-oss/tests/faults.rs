//! Faults as a client sees them.

mod support;

use std::time::{Duration, Instant};

use local_oss::{Fault, Matcher, Object, Server};

use support::{BUCKET, Client, End, Reply, get, server};

const KEY: &str = "/examplebucket/key";
const SIZE: u64 = 100_000;

fn faulty(fault: Fault) -> Server {
    let server = server();
    server.put(BUCKET, "key", Object::pattern(SIZE, 1));
    server.inject(fault);
    server
}

fn content(server: &Server) -> Vec<u8> {
    server.object_bytes(BUCKET, "key", 0..SIZE).unwrap()
}

fn faulty_reply(fault: Fault) -> Reply {
    get(&faulty(fault), KEY, &[])
}

/// Everything that is received instead of a reply.
fn raw(fault: Fault) -> (End, Vec<u8>) {
    // Dropping the server would end the connection.
    let server = faulty(fault);
    let mut client = Client::new(&server).read_timeout(Duration::from_millis(200));
    client.send("GET", KEY, &[]);
    client.rest()
}

#[test]
fn a_reply_can_be_missing_in_four_ways() {
    let ends = [
        (Fault::CloseBeforeHeaders, End::Closed),
        (Fault::ResetBeforeHeaders, End::Reset),
        (Fault::NoReply, End::Silence),
    ];
    for (fault, expected) in ends {
        assert_eq!(raw(fault.clone()), (expected, Vec::new()), "{fault:?}");
    }
    let (_, bytes) = raw(Fault::NotHttp);
    assert!(!bytes.is_empty() && !bytes.starts_with(b"HTTP"));
}

#[test]
fn a_status_line_can_be_any_text_before_an_unchanged_reply() {
    for text in ["HTTP/1.1 2000 OK", "HTTP/1.1 OK", "HTTP/1.1 -1", "ICY 200 OK", ""] {
        let server = faulty(Fault::StatusLine(text.to_owned()));
        let mut client = Client::new(&server).read_timeout(Duration::from_millis(200));
        client.send("GET", KEY, &[("Connection", "close")]);
        let (end, bytes) = client.rest();
        let start = format!("{text}\r\nContent-Type: application/octet-stream\r\n");
        assert!(bytes.starts_with(start.as_bytes()), "{text}");
        assert!(bytes.ends_with(&content(&server)), "{text}");
        assert_eq!(end, End::Closed, "{text}");
    }
}

#[test]
fn a_truncated_body_ends_at_its_byte() {
    let cuts = [
        (Fault::ResetAfter(1000), End::Reset, 1000),
        (Fault::CloseAfter(1000), End::Closed, 1000),
        (Fault::CutOffAfter(1000), End::Closed, 1000),
        (Fault::StallAfter(1000), End::Silence, 1000),
        (Fault::HalfCloseAfter(1000), End::Closed, 1000),
        (Fault::ShortBody(10), End::Closed, SIZE as usize - 10),
        (Fault::StallAfter(0), End::Silence, 0),
    ];
    for (fault, end, length) in cuts {
        let server = faulty(fault.clone());
        let mut client = Client::new(&server).read_timeout(Duration::from_millis(300));
        let reply = client.get(KEY, &[]);
        assert_eq!(reply.header("Content-Length"), Some("100000"), "{fault:?}");
        assert_eq!((reply.end, reply.body.len()), (end, length), "{fault:?}");
        assert!(reply.body == content(&server)[..length], "{fault:?}");
    }
}

#[test]
fn a_body_shorter_than_the_cut_is_complete() {
    let server = faulty(Fault::ResetAfter(1000));
    let mut client = Client::new(&server);
    let reply = client.get_range(KEY, "bytes=0-999");
    assert_eq!((reply.end, reply.body.len()), (End::Complete, 1000));
    assert_eq!(client.get_range(KEY, "bytes=0-9").status, 206, "the connection stays open");
}

#[test]
fn a_half_closed_connection_still_accepts_the_clients_bytes() {
    use std::io::Write;
    let server = faulty(Fault::HalfCloseAfter(10));
    let mut client = Client::new(&server);
    assert_eq!(client.get(KEY, &[]).end, End::Closed);
    for _ in 0..3 {
        client.socket.write_all(b"more").unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(server.active_connections(), 1);
    drop(client);
    assert!(support::eventually(|| server.active_connections() == 0));
}

#[test]
fn a_connection_is_reset_after_the_bytes_of_all_its_replies() {
    let server = faulty(Fault::ResetConnectionAfter(1500));
    let mut client = Client::new(&server);
    assert_eq!(client.get_range(KEY, "bytes=0-999").end, End::Complete);
    let second = client.get_range(KEY, "bytes=1000-1999");
    assert_eq!((second.end, second.body.len()), (End::Reset, 500));
}

#[test]
fn a_long_body_is_longer_than_its_content_length() {
    let server = faulty(Fault::LongBody(7));
    let mut client = Client::new(&server);
    let reply = client.get(KEY, &[]);
    assert_eq!(reply.header("Content-Length"), Some("100000"));
    assert!(reply.body == content(&server));
    assert_eq!(client.rest(), (End::Closed, b"xxxxxxx".to_vec()));
}

#[test]
fn a_reply_can_be_followed_by_an_unrequested_one() {
    let server = faulty(Fault::UnaskedReply);
    let mut client = Client::new(&server);
    let asked = client.get_range(KEY, "bytes=0-999");
    let unasked = client.reply(false);
    assert!(asked.body == content(&server)[..1000]);
    assert_eq!((unasked.status, unasked.headers), (206, asked.headers));
    assert!(unasked.body.len() == 1000 && unasked.body != asked.body);
    server.clear_faults();
    assert_eq!(client.get_range(KEY, "bytes=0-9").status, 206, "the connection stays open");
}

#[test]
fn garbage_before_the_body_displaces_its_end() {
    let server = faulty(Fault::GarbageBeforeBody(10));
    let body = get(&server, KEY, &[]).body;
    assert!(body[10..] == content(&server)[..SIZE as usize - 10]);
    assert!(body[..10] != content(&server)[..10]);
}

#[test]
fn lengths_and_ranges_can_be_wrong() {
    let get = |fault| {
        let server = faulty(fault);
        let mut client = Client::new(&server).read_timeout(Duration::from_millis(200));
        client.get_range(KEY, "bytes=10-19")
    };
    let reply = get(Fault::ContentRangeOff { first: -1, last: 2, total: 3 });
    assert_eq!(reply.header("Content-Range"), Some("bytes 9-21/100003"));
    let reply = get(Fault::ContentLengthOff(-1));
    assert_eq!((reply.header("Content-Length"), reply.body.len()), (Some("9"), 9));
    let reply = get(Fault::ContentLengthOff(1));
    assert_eq!((reply.header("Content-Length"), reply.end), (Some("11"), End::Silence));
}

#[test]
fn service_errors_carry_status_code_and_retry_after() {
    let fault = Fault::Status {
        status: 503,
        code: "ServiceUnavailable".to_owned(),
        retry_after: Some(Duration::from_secs(2)),
    };
    let reply = faulty_reply(fault);
    assert_eq!((reply.status, reply.code().as_str()), (503, "ServiceUnavailable"));
    assert_eq!(reply.header("Retry-After"), Some("2"));
    assert!(reply.header("x-oss-request-id").is_some());
}

#[test]
fn a_proxys_error_page_is_not_oss() {
    let reply = faulty_reply(Fault::Html(502));
    assert_eq!((reply.status, reply.header("Content-Type")), (502, Some("text/html")));
    assert_eq!(reply.header("x-oss-request-id"), None);
    assert!(reply.text().starts_with("<html>"));
}

#[test]
fn redirects_and_expired_tokens_are_sent() {
    let moved = faulty_reply(Fault::Redirect("http://elsewhere/".to_owned()));
    assert_eq!((moved.status, moved.header("Location")), (307, Some("http://elsewhere/")));
    let expired = faulty_reply(Fault::ExpiredToken);
    assert_eq!((expired.status, expired.code().as_str()), (403, "SecurityTokenExpired"));
}

#[test]
fn other_bytes_are_sent_with_their_content_range() {
    let server = faulty(Fault::OtherBytes(10));
    for (asked, came) in [("bytes=10-19", 0..10), ("bytes=5-9", 15..20)] {
        let reply = get(&server, KEY, &[("Range", asked)]);
        let named = format!("bytes {}-{}/{SIZE}", came.start, came.end - 1);
        assert_eq!((reply.status, reply.header("Content-Range")), (206, Some(named.as_str())));
        assert!(reply.body == content(&server)[came]);
    }
}

#[test]
fn an_ignored_range_gives_the_whole_object() {
    let server = faulty(Fault::IgnoreRange);
    let reply = get(&server, KEY, &[("Range", "bytes=10-19")]);
    assert_eq!((reply.status, reply.header("Content-Range")), (200, None));
    assert!(reply.body == content(&server));
}

#[test]
fn headers_can_be_wrong_or_missing() {
    let good = get(&faulty(Fault::RoundTrip(Duration::ZERO)), KEY, &[("Range", "bytes=0-9")]);
    let get = |fault| get(&faulty(fault), KEY, &[("Range", "bytes=0-9")]);
    assert_eq!(get(Fault::WrongContentRange).header("Content-Range"), Some("bytes 1-10/100000"));
    let crc = "x-oss-hash-crc64ecma";
    let wrong = get(Fault::WrongCrc);
    assert!(wrong.header(crc).is_some() && wrong.header(crc) != good.header(crc));
    assert_eq!(get(Fault::NoCrc).header(crc), None);
    let wrong = get(Fault::WrongEtag);
    assert!(wrong.header("ETag").is_some() && wrong.header("ETag") != good.header("ETag"));
    assert_eq!(get(Fault::NoEtag).header("ETag"), None);
    let missing = Fault::Header { name: "content-range".to_owned(), value: None };
    assert_eq!(get(missing).header("Content-Range"), None);
    assert_eq!(get(Fault::UnknownTotal).header("Content-Range"), Some("bytes 0-9/*"));
}

#[test]
fn a_reply_can_lack_the_headers_of_oss() {
    for range in ["bytes=0-9", "bytes=0-1,3-4"] {
        let reply = get(&faulty(Fault::NoOssHeaders), KEY, &[("Range", range)]);
        let own = |(name, _): &&(String, String)| name.to_ascii_lowercase().starts_with("x-oss-");
        assert_eq!(reply.headers.iter().find(own), None, "{range}");
        assert_eq!(reply.header("Server"), Some("AliyunOSS"), "{range}");
    }
}

#[test]
fn a_service_may_not_recognise_the_etag_it_sent() {
    let good = get(&faulty(Fault::RoundTrip(Duration::ZERO)), KEY, &[]);
    let own = good.header("ETag").unwrap();
    let suffixed = format!("{}-gzip\"", own.trim_end_matches('"'));
    let suffix = || Fault::EtagSuffix("-gzip".to_owned());
    for (fault, tag) in [(suffix(), suffixed), (Fault::WeakEtag, format!("W/{own}"))] {
        let server = faulty(fault);
        for _ in 0..3 {
            let refused = get(&server, KEY, &[("If-Match", &tag), ("Range", "bytes=0-9")]);
            assert_eq!((refused.status, refused.code().as_str()), (412, "PreconditionFailed"));
            let reply = get(&server, KEY, &[]);
            assert_eq!((reply.status, reply.header("ETag")), (200, Some(tag.as_str())));
            for name in ["Content-Length", "x-oss-hash-crc64ecma"] {
                assert_eq!(reply.header(name), good.header(name), "{tag}");
            }
        }
    }
    let server = faulty(Fault::WeakEtag);
    server.inject(suffix());
    let tag = get(&server, KEY, &[]).header("ETag").unwrap().to_owned();
    assert!(tag.starts_with("W/\"") && tag.ends_with("-gzip\""), "{tag}");
    assert_eq!(get(&server, KEY, &[("If-Match", own)]).status, 412, "not even without the W/");
}

#[test]
fn a_flipped_byte_is_wrong_only_in_the_reply() {
    let server = faulty(Fault::RoundTrip(Duration::ZERO));
    let flip = server.inject_when(Matcher::any().times(1), Fault::FlipByte(500));
    let mut expected = content(&server);
    assert!(get(&server, KEY, &[("Range", "bytes=0-499")]).body == expected[..500]);
    assert_eq!(server.fault_hits(flip), 0);
    expected[500] ^= 1;
    assert!(get(&server, KEY, &[("Range", "bytes=400-599")]).body == expected[400..600]);
    assert_eq!(server.fault_hits(flip), 1);
    assert!(get(&server, KEY, &[]).body == content(&server), "it is applied once");
}

#[test]
fn garbage_has_the_right_length_and_the_wrong_bytes() {
    let server = faulty(Fault::GarbageBody);
    let reply = get(&server, KEY, &[]);
    let content = content(&server);
    assert_eq!(reply.body.len(), content.len());
    assert!(reply.body.chunks(8).zip(content.chunks(8)).all(|(got, own)| got != own));
}

#[test]
fn an_object_is_replaced_before_the_kth_reply() {
    let server = faulty(Fault::RoundTrip(Duration::ZERO));
    server.inject_when(Matcher::any().nth(2), Fault::NewGeneration);
    let new = Object::bytes("other");
    server.inject_when(Matcher::any().nth(3), Fault::ReplaceObject(Box::new(new)));
    let replies: Vec<_> = (0..3).map(|_| get(&server, KEY, &[])).collect();
    assert_eq!(replies[0].body.len(), replies[1].body.len());
    assert_ne!(replies[0].header("ETag"), replies[1].header("ETag"));
    assert!(replies[0].body != replies[1].body);
    assert_eq!(replies[2].text(), "other");
}

#[test]
fn a_body_without_length_ends_with_the_connection() {
    let server = faulty(Fault::NoContentLength);
    let reply = get(&server, KEY, &[]);
    assert_eq!(reply.header("Content-Length"), None);
    assert_eq!(reply.header("Connection"), Some("close"));
    assert_eq!(reply.end, End::Closed);
    assert!(reply.body == content(&server));
}

#[test]
fn a_chunked_body_is_whole_and_has_no_length() {
    let server = faulty(Fault::Chunked);
    let mut client = Client::new(&server);
    let reply = client.get(KEY, &[]);
    assert_eq!(reply.header("Content-Length"), None);
    assert_eq!(reply.end, End::Complete);
    assert!(reply.body == content(&server));
    assert_eq!(client.get_range(KEY, "bytes=0-0").status, 206, "the connection stays open");
}

#[test]
fn a_gzip_body_is_gzip() {
    let server = faulty(Fault::Gzip);
    let reply = get(&server, KEY, &[]);
    assert_eq!(reply.header("Content-Encoding"), Some("gzip"));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &reply.body).unwrap();
    let input = std::fs::File::open(file.path()).unwrap();
    let output = std::process::Command::new("gzip").args(["-dc"]).stdin(input).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout == content(&server));
}

#[test]
fn a_closed_connection_is_announced() {
    let server = faulty(Fault::CloseConnection);
    let mut client = Client::new(&server);
    let reply = client.get(KEY, &[]);
    assert_eq!((reply.end, reply.header("Connection")), (End::Complete, Some("close")));
    assert!(client.is_ended());
}

#[test]
fn slow_headers_pause_after_the_status_line() {
    use std::io::Read;
    let server = faulty(Fault::SlowHeaders(Duration::from_millis(150)));
    let mut client = Client::new(&server);
    let start = Instant::now();
    client.send("GET", KEY, &[]);
    let mut first = [0; 1000];
    let count = client.socket.read(&mut first).unwrap();
    assert_eq!(&first[..count], b"HTTP/1.1 200 OK\r\n");
    assert!(start.elapsed() < Duration::from_millis(100));
    assert!(client.socket.read(&mut first).unwrap() > 0);
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[test]
fn a_head_can_be_sent_byte_by_byte() {
    use std::io::Read;
    let server = faulty(Fault::DribbleHeaders(Duration::from_millis(1)));
    let mut client = Client::new(&server);
    client.send("GET", KEY, &[]);
    let mut first = [0; 1000];
    assert_eq!(client.socket.read(&mut first).unwrap(), 1);
    drop(client);
    let reply = get(&server, KEY, &[]);
    assert!(reply.status == 200 && reply.body == content(&server));
}

#[test]
fn a_head_can_be_endless() {
    use std::io::Read;
    let server = faulty(Fault::EndlessHeaders(Duration::from_millis(1)));
    let mut client = Client::new(&server);
    client.send("GET", KEY, &[]);
    let mut bytes = [0; 1000];
    client.socket.read_exact(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("HTTP/1.1 200 OK\r\nx-oss-meta-filler"), "{text}");
    assert!(!text.contains("\r\n\r\n"), "{text}");
}

#[test]
fn a_slow_body_is_sent_byte_by_byte() {
    let server = faulty(Fault::Dribble(Duration::from_millis(2)));
    let start = Instant::now();
    let reply = get(&server, KEY, &[("Range", "bytes=0-49")]);
    assert!(reply.body == content(&server)[..50]);
    assert!(start.elapsed() >= Duration::from_millis(100));
}

#[test]
fn faults_apply_to_the_selected_requests_until_cleared() {
    let server = faulty(Fault::RoundTrip(Duration::ZERO));
    let status =
        |code: u16| Fault::Status { status: code, code: "X".to_owned(), retry_after: None };
    let head = server.inject_when(Matcher::any().head(), status(500));
    let third = server.inject_when(Matcher::any().ranged().from(2).times(1), status(503));
    let mut client = Client::new(&server);
    assert_eq!(client.head(KEY).status, 500);
    assert_eq!(client.get(KEY, &[]).status, 200);
    let ranged: Vec<_> = (0..3).map(|_| client.get_range(KEY, "bytes=0-0").status).collect();
    assert_eq!(ranged, [206, 503, 206]);
    assert_eq!((server.fault_hits(head), server.fault_hits(third)), (1, 1));
    server.clear_faults();
    assert_eq!(client.head(KEY).status, 200);
}

#[test]
fn a_fault_can_apply_to_every_nth_connection() {
    let server = server();
    server.put(BUCKET, "key", Object::bytes("1"));
    server.inject_when(Matcher::any().every_connection(3), Fault::CloseConnection);
    let closing: Vec<_> =
        (0..6).map(|_| get(&server, KEY, &[]).header("Connection") == Some("close")).collect();
    assert_eq!(closing, [false, false, true, false, false, true]);
}

#[test]
fn faults_combine() {
    let server = faulty(Fault::NoCrc);
    server.inject(Fault::ResetAfter(1000));
    let reply = get(&server, KEY, &[]);
    assert_eq!((reply.header("x-oss-hash-crc64ecma"), reply.body.len()), (None, 1000));
}
