//! A service that limits requests, as a client sees it.

mod support;

use std::time::{Duration, Instant};

use local_oss::{Fault, Matcher, Object, Server};

use support::{BUCKET, Client, get, server};

const KEY: &str = "/examplebucket/key";

fn serving(size: u64) -> Server {
    let server = server();
    server.put(BUCKET, "key", Object::pattern(size, 1));
    server
}

fn refusal(status: u16, code: &str, retry_after: Option<u64>) -> Fault {
    let retry_after = retry_after.map(Duration::from_secs);
    Fault::Status { status, code: code.to_owned(), retry_after }
}

#[test]
fn the_first_requests_can_be_refused_with_or_without_retry_after() {
    let server = serving(10);
    let busy = refusal(503, "DownloadTrafficRateLimitExceeded", Some(1));
    server.inject_when(Matcher::any().times(2), busy);
    server.inject_when(Matcher::any().nth(3), refusal(429, "QpsLimitExceeded", None));
    let replies: Vec<_> = (0..4).map(|_| get(&server, KEY, &[])).collect();
    let seen: Vec<_> = replies
        .iter()
        .map(|reply| (reply.status, reply.code(), reply.header("Retry-After")))
        .collect();
    let busy = (503, "DownloadTrafficRateLimitExceeded".to_owned(), Some("1"));
    let too_many = (429, "QpsLimitExceeded".to_owned(), None);
    assert_eq!(seen, [busy.clone(), busy, too_many, (200, String::new(), None)]);
}

#[test]
fn a_delayed_reply_contains_its_delay() {
    let server = serving(10);
    server.inject(Fault::QosDelay(Duration::from_millis(120)));
    let start = Instant::now();
    let reply = get(&server, KEY, &[("Range", "bytes=0-3")]);
    assert!(start.elapsed() >= Duration::from_millis(120));
    assert_eq!((reply.status, reply.header("x-oss-qos-delay-time")), (206, Some("120")));
    let failed = get(&server, "/examplebucket/none", &[]);
    assert_eq!((failed.status, failed.header("x-oss-qos-delay-time")), (404, None));
}

#[test]
fn a_request_above_the_rate_is_refused_until_a_second_has_passed() {
    let server = serving(10);
    let limit = Matcher::any().above_rate(3);
    let rule = server.inject_when(limit, refusal(503, "TotalQpsLimitExceeded", None));
    let mut client = Client::new(&server);
    let start = Instant::now();
    let first: Vec<_> = (0..5).map(|_| client.get(KEY, &[]).status).collect();
    if start.elapsed() < Duration::from_secs(1) {
        assert_eq!(first, [200, 200, 200, 503, 503]);
        assert_eq!(server.fault_hits(rule), 2);
    }
    std::thread::sleep(Duration::from_millis(1050));
    assert_eq!(client.get(KEY, &[]).status, 200);
}

#[test]
fn a_request_above_the_number_in_progress_is_refused_until_one_ends() {
    let server = serving(1_000_000);
    let limit = Matcher::any().above_active(2);
    let rule = server.inject_when(limit, refusal(503, "ActiveRequestLimitExceeded", None));
    let stall = server.inject_when(Matcher::any().times(2), Fault::StallAfter(1000));
    let mut active: Vec<_> = (0..2)
        .map(|_| {
            let mut client = Client::new(&server).read_timeout(Duration::from_millis(100));
            assert_eq!(client.get(KEY, &[]).body.len(), 1000);
            client
        })
        .collect();
    let refused = get(&server, KEY, &[]);
    assert_eq!((refused.status, refused.code().as_str()), (503, "ActiveRequestLimitExceeded"));
    assert_eq!((server.fault_hits(rule), server.fault_hits(stall)), (1, 2));
    active.pop();
    assert!(support::eventually(|| get(&server, KEY, &[]).status == 200));
}

#[test]
fn a_limit_counts_only_matching_requests() {
    let server = serving(10);
    server.inject_when(
        Matcher::any().ranged().above_rate(1),
        refusal(503, "TotalQpsLimitExceeded", None),
    );
    for _ in 0..3 {
        assert_eq!(get(&server, KEY, &[]).status, 200);
    }
    assert_eq!(get(&server, KEY, &[("Range", "bytes=0-0")]).status, 206);
}

#[test]
fn above_a_rate_replies_can_also_be_delayed() {
    let server = serving(10);
    let slow = Fault::QosDelay(Duration::from_millis(5));
    server.inject_when(Matcher::any().above_rate(0), slow);
    assert_eq!(get(&server, KEY, &[]).header("x-oss-qos-delay-time"), Some("5"));
}
