//! Requests as the server receives them.

use local_oss::{Config, Fault, LoggedRequest, Matcher, Object};
use oss_resumable::{DownloadRequest, ErrorKind, SignatureVersion};

use crate::fixture::{BUCKET, Fixture, KEY, MIB, PART};

const LONG_AGO: &str = "Mon, 01 Jan 2001 00:00:00 GMT";
const FAR_AHEAD: &str = "Fri, 01 Jan 2100 00:00:00 GMT";
const CONDITIONS: [&str; 4] =
    ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"];

/// Downloads an object of several parts; returns the first request and the others.
fn requests_of(
    fixture: &Fixture,
    request: &DownloadRequest,
) -> (LoggedRequest, Vec<LoggedRequest>) {
    let outcome = fixture.client().download(request).expect("download");
    fixture.assert_whole(&outcome);
    let mut requests = fixture.server.requests();
    assert!(requests.len() > 2, "several requests are needed for the test");
    (requests.remove(0), requests)
}

fn parameters(request: &LoggedRequest) -> Vec<String> {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_first_request_is_a_get_of_the_first_part() {
    let fixture = Fixture::new(4 * MIB);
    let (first, _) = requests_of(&fixture, &fixture.request());
    assert_eq!((first.method.as_str(), first.range.as_deref()), ("GET", Some("bytes=0-102399")));
}

#[test]
fn the_first_request_of_a_resumed_download_is_a_get_of_the_first_missing_part() {
    let fixture = Fixture::new(4 * MIB);
    fixture.server.inject(Fault::CloseAfter(PART + 50_000));
    let client = fixture.client_with(|options| options.max_attempts = 1);
    // One connection, so that no request is still in flight.
    client.download(&fixture.request().thread_num(1)).expect_err("the connection breaks");
    let before = fixture.server.requests().len();
    fixture.server.clear_faults();
    fixture.assert_whole(&client.download(&fixture.request()).expect("resume"));
    let requests = fixture.server.requests();
    let (first, later) = requests[before..].split_first().expect("requests");
    let range = first.range.as_deref().and_then(|range| range.strip_prefix("bytes="));
    let (start, end) = range.and_then(|range| range.split_once('-')).expect("a range");
    let (start, end): (u64, u64) = (start.parse().expect("start"), end.parse().expect("end"));
    assert_eq!((first.method.as_str(), first.header("If-Match")), ("GET", None));
    assert_eq!((start, end), (2 * PART + 50_000, 3 * PART + 49_999));
    assert!(later.iter().all(|request| request.header("If-Match").is_some()));
}

#[test]
fn every_request_is_ranged_under_standard_behaviour_and_asks_for_no_coding() {
    let fixture = Fixture::new(4 * MIB);
    let (first, mut all) = requests_of(&fixture, &fixture.request());
    all.push(first);
    for request in &all {
        assert_eq!(request.method, "GET");
        assert!(request.range.is_some());
        assert_eq!(request.header("x-oss-range-behavior"), Some("standard"));
        assert_eq!(request.header("Accept-Encoding"), None);
        assert_eq!(request.header("Expect"), None);
    }
}

#[test]
fn without_faults_every_byte_is_requested_once() {
    let fixture = Fixture::new(2 * MIB + 1);
    let (first, mut all) = requests_of(&fixture, &fixture.request());
    all.push(first);
    let mut ranges: Vec<(u64, u64)> = all
        .iter()
        .map(|request| {
            let range = request.range.as_deref().and_then(|range| range.strip_prefix("bytes="));
            let (start, end) = range.and_then(|range| range.split_once('-')).expect("a range");
            (start.parse().expect("start"), end.parse().expect("end"))
        })
        .collect();
    ranges.sort_unstable();
    let mut next = 0;
    for (start, end) in ranges {
        assert_eq!(start, next);
        next = end + 1;
    }
    assert_eq!(next, 2 * MIB + 1);
}

#[test]
fn later_requests_are_pinned_to_the_etag_in_quotes() {
    let fixture = Fixture::new(4 * MIB);
    let (first, later) = requests_of(&fixture, &fixture.request());
    let etag = format!("\"{}\"", fixture.server.object(BUCKET, KEY).expect("object").etag());
    assert_eq!(first.header("If-Match"), None);
    assert!(later.iter().all(|request| request.header("If-Match") == Some(etag.as_str())));
}

#[test]
fn only_the_first_request_has_the_user_s_conditions() {
    let fixture = Fixture::new(4 * MIB);
    let etag = fixture.server.object(BUCKET, KEY).expect("object").etag().to_owned();
    let request = fixture.request_with(|request| {
        request.if_match = vec!["OTHER".to_owned(), format!("\"{etag}\"")];
        request.if_none_match = vec!["NOBODY'S".to_owned()];
        request.if_modified_since = Some(LONG_AGO.to_owned());
        request.if_unmodified_since = Some(FAR_AHEAD.to_owned());
    });
    let (first, later) = requests_of(&fixture, &request);
    let sent: Vec<_> = CONDITIONS.iter().map(|name| first.header(name).expect(name)).collect();
    let list = format!("\"OTHER\", \"{etag}\"");
    assert_eq!(sent, [list.as_str(), "\"NOBODY'S\"", LONG_AGO, FAR_AHEAD]);
    let pinned = format!("\"{etag}\"");
    for request in &later {
        let sent: Vec<_> = CONDITIONS.iter().map(|name| request.header(name)).collect();
        assert_eq!(sent, [Some(pinned.as_str()), None, None, None]);
    }
}

/// Asserts that a download with a condition that does not hold ends with `status` after one request.
fn assert_condition(status: i64, change: impl FnOnce(&mut DownloadRequest, String)) {
    let fixture = Fixture::new(4 * MIB);
    std::fs::write(fixture.target(), "old").expect("write");
    let etag = fixture.server.object(BUCKET, KEY).expect("object").etag().to_owned();
    let request = fixture.request_with(|request| change(request, etag));
    let error = fixture.client().download(&request).expect_err("a condition does not hold");
    assert_eq!((error.kind(), error.status()), (ErrorKind::Service, status), "{error}");
    assert_eq!(fixture.server.requests().len(), 1);
    assert_eq!(fixture.files(), ["file.bin"]);
    assert_eq!(std::fs::read(fixture.target()).expect("target"), b"old");
}

#[test]
fn not_modified_is_a_final_result() {
    assert_condition(304, |request, etag| request.if_none_match = vec![etag]);
    assert_condition(304, |request, _| request.if_modified_since = Some(FAR_AHEAD.to_owned()));
}

#[test]
fn precondition_failed_is_a_final_result() {
    assert_condition(412, |request, _| request.if_match = vec!["OTHER".to_owned()]);
    assert_condition(412, |request, _| request.if_unmodified_since = Some(LONG_AGO.to_owned()));
}

#[test]
fn precondition_failed_has_the_service_s_code() {
    let fixture = Fixture::new(10);
    let request = fixture.request_with(|request| request.if_match = vec!["OTHER".to_owned()]);
    let error = fixture.client().download(&request).expect_err("another ETag");
    assert_eq!(error.code(), "PreconditionFailed");
    assert!(error.request_id().is_some());
}

#[test]
fn the_version_id_is_sent_only_when_one_is_given() {
    let config = Config { versioning: true, ..Config::default() };
    let fixture = Fixture::with(config, Object::pattern(4 * MIB, 7));
    let (first, later) = requests_of(&fixture, &fixture.request());
    assert!([&[first], later.as_slice()].concat().iter().all(|r| parameters(r).is_empty()));

    let old = fixture.server.object(BUCKET, KEY).expect("object");
    let old_bytes = fixture.server.object_bytes(BUCKET, KEY, 0..4 * MIB).expect("bytes");
    fixture.server.replace(BUCKET, KEY);
    let sent = fixture.server.requests().len();
    let id = old.version_id().to_owned();
    let request = fixture.request_with(|request| request.version_id = Some(id.clone()));
    let outcome = fixture.client().download(&request).expect("the old version");
    assert!(std::fs::read(fixture.target()).expect("target") == old_bytes);
    assert_eq!(outcome.version_id.as_deref(), Some(old.version_id()));
    let requests = fixture.server.requests();
    assert!(requests[sent..].iter().all(|r| parameters(r) == [format!("versionId={id}")]));
}

#[test]
fn every_request_has_the_response_header_overrides_and_the_outcome_shows_them() {
    let fixture = Fixture::new(4 * MIB);
    let request = fixture.request_with(|request| {
        let headers = &mut request.response_headers;
        headers.content_type = Some("text/x-test; charset=utf-8".to_owned());
        headers.content_language = Some("de".to_owned());
        headers.expires = Some(FAR_AHEAD.to_owned());
        headers.cache_control = Some("no-cache".to_owned());
        headers.content_disposition = Some("attachment; filename=\"ü.bin\"".to_owned());
    });
    let outcome = fixture.client().download(&request).expect("download");
    fixture.assert_whole(&outcome);
    for request in fixture.server.requests() {
        assert_eq!(parameters(&request).len(), 5, "{}", request.target);
    }
    let shown = |name: &str| {
        let mut headers = outcome.headers.iter();
        headers.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    assert_eq!(shown("Content-Type"), Some("text/x-test; charset=utf-8"));
    assert_eq!(shown("Content-Language"), Some("de"));
    assert_eq!(shown("Cache-Control"), Some("no-cache"));
    assert_eq!(shown("Content-Disposition"), Some("attachment; filename=\"ü.bin\""));
}

#[test]
fn every_request_has_the_traffic_limit_and_the_request_payer() {
    let fixture = Fixture::new(4 * MIB);
    let request = fixture.request_with(|request| {
        request.traffic_limit = 838_860_800;
        request.requester_pays = true;
    });
    let (first, later) = requests_of(&fixture, &request);
    for request in [&[first], later.as_slice()].concat() {
        assert_eq!(request.header("x-oss-traffic-limit"), Some("838860800"));
        assert_eq!(request.header("x-oss-request-payer"), Some("requester"));
    }
}

#[test]
fn every_request_has_the_extra_headers_and_parameters_and_they_are_signed() {
    for signature in [SignatureVersion::V1, SignatureVersion::V4] {
        let fixture = Fixture::new(4 * MIB);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = fixture.request_with(|request| {
            request.extra_headers = vec![pair("X-Oss-Meta-Trace", "a  b"), pair("X-Plain", "1")];
            request.extra_query = vec![pair("x-oss-ac-source-ip", "a/b c+d"), pair("flag", "")];
        });
        let client = fixture.client_with(|options| options.signature = signature);
        fixture.assert_whole(&client.download(&request).expect("extras"));
        for request in fixture.server.requests() {
            assert_eq!(request.header("x-oss-meta-trace"), Some("a  b"));
            assert_eq!(request.header("x-plain"), Some("1"));
            assert_eq!(parameters(&request), ["x-oss-ac-source-ip=a%2Fb%20c%2Bd", "flag"]);
        }
    }
}

#[test]
fn headers_that_would_break_the_download_are_refused() {
    let fixture = Fixture::new(10);
    for name in ["Range", "if-match", "Authorization", "accept-encoding", "Host", "bad name"] {
        let header = (name.to_owned(), "x".to_owned());
        let request = fixture.request_with(|request| request.extra_headers = vec![header]);
        let error = fixture.client().download(&request).expect_err(name);
        assert_eq!(error.code(), "ValidateError", "{name}");
    }
    assert!(fixture.server.requests().is_empty());
}

#[test]
fn the_user_agent_is_the_library_s_or_the_configured_one() {
    let fixture = Fixture::new(10);
    fixture.client().download(&fixture.request()).expect("download");
    let client = fixture.client_with(|options| options.user_agent = Some("mine/1.0".to_owned()));
    client.download(&fixture.request()).expect("download");
    let requests = fixture.server.requests();
    let agents: Vec<_> = requests.iter().map(|r| r.header("User-Agent").expect("agent")).collect();
    assert!(agents[0].starts_with("oss-resumable/0."), "{}", agents[0]);
    assert_eq!(agents[1], "mine/1.0");
}

#[test]
fn an_object_smaller_than_a_part_costs_one_request() {
    // Too small to be shared with a second connection, however slow this machine makes the first one appear.
    for size in [1, PART, 900 * 1024] {
        let fixture = Fixture::new(size);
        let request = fixture.request().part_size(8 * MIB);
        fixture.assert_whole(&fixture.client().download(&request).expect("download"));
        assert_eq!(fixture.server.requests().len(), 1, "{size} bytes");
    }
}

#[test]
fn a_large_object_costs_at_most_two_requests_more_than_connections() {
    for threads in [1, 3, 8] {
        // No connection has enough left to share, however slow this machine makes it appear.
        let size = u64::from(threads) * 900 * 1024;
        let fixture = Fixture::new(size);
        let request = fixture.request().thread_num(threads);
        let outcome = fixture.client().download(&request).expect("download");
        fixture.assert_whole(&outcome);
        let requests = fixture.server.requests().len() as u64;
        assert!(requests <= u64::from(threads) + 2, "{requests} for {threads} connections");
        assert_eq!(outcome.statistics.requests, requests);
        assert_eq!(outcome.statistics.connections, fixture.server.connections());
        assert_eq!(outcome.statistics.bytes_from_network, size);
    }
}

#[test]
fn connections_are_reused() {
    let fixture = Fixture::new(2 * PART);
    let client = fixture.client_with(|options| options.max_workers = 1);
    for _ in 0..3 {
        client.download(&fixture.request().thread_num(1)).expect("download");
    }
    assert_eq!((fixture.server.requests().len(), fixture.server.connections()), (6, 1));
}

#[test]
fn keys_of_any_characters_are_sent_and_signed_correctly() {
    let keys = [
        "a b/c  d.bin",
        "plus+percent%20percent%2Fand&x=y?q#f.bin",
        "ünï/名前/😀.bin",
        "dir/../other/./file.bin",
        "../up.bin",
        "./here.bin",
        "double//slash///.bin",
        "quote'\"<>\\^`{|}~!*();:@$,[].bin",
        "tab\tline\nreturn\r.bin",
        "trailing/",
        "…",
    ];
    for signature in [SignatureVersion::V1, SignatureVersion::V4] {
        let fixture = Fixture::new(0);
        let client = fixture.client_with(|options| options.signature = signature);
        for (place, key) in keys.into_iter().enumerate() {
            let size = 2 * PART + place as u64;
            fixture.server.put(BUCKET, key, Object::pattern(size, place as u64));
            let request = fixture.request_with(|request| request.key = key.to_owned());
            let outcome = client.download(&request).expect(key);
            assert_eq!(outcome.file_size, size, "{key}");
            let expected = fixture.server.object_bytes(BUCKET, key, 0..size).expect("object");
            assert!(std::fs::read(fixture.target()).expect("target") == expected, "{key}");
            let seen = fixture.server.requests().last().map(|request| request.key.clone());
            assert_eq!(seen.as_deref(), Some(key), "{signature:?}");
        }
    }
}

#[test]
fn the_download_of_a_range_requests_only_its_bytes() {
    let fixture = Fixture::new(4 * MIB);
    fixture.server.inject_when(Matcher::any().covering(0), Fault::CloseBeforeHeaders);
    let request = fixture.request().range(MIB as i64, 2 * MIB as i64 - 1);
    let outcome = fixture.client().download(&request).expect("range");
    fixture.assert_range(MIB..2 * MIB);
    assert_eq!((outcome.file_size, outcome.object_size), (MIB, 4 * MIB));
    let asked = fixture.server.requests().first().and_then(|request| request.range.clone());
    assert_eq!(asked, Some(format!("bytes={}-{}", MIB, MIB + PART - 1)));
}
