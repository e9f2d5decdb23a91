//! Rate limits and round trips.

mod support;

use std::time::{Duration, Instant};

use local_oss::{Fault, Matcher, Object, Server};

use support::{BUCKET, Client, server};

const KEY: &str = "/examplebucket/key";

fn serving(size: u64) -> Server {
    let server = server();
    server.put(BUCKET, "key", Object::pattern(size, 1));
    server
}

/// Milliseconds that `work` takes.
fn timed(work: impl FnOnce()) -> u128 {
    let start = Instant::now();
    work();
    start.elapsed().as_millis()
}

#[test]
fn a_rate_limit_holds_for_each_connection() {
    let server = serving(2_000_000);
    server.inject(Fault::RateLimit(5_000_000));
    let both = timed(|| {
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| Client::new(&server).get(KEY, &[]));
            }
        });
    });
    // In sequence they would take 800 ms; the upper bound is wide, because the machine is shared.
    assert!((395..790).contains(&both), "{both} ms for 2 MB on each of 2 connections at 5 MB/s");
}

#[test]
fn a_rate_limit_spans_the_requests_of_a_connection() {
    let server = serving(100_000);
    server.inject(Fault::RateLimit(1_000_000));
    let mut client = Client::new(&server);
    let four = timed(|| (0..4).for_each(|_| drop(client.get(KEY, &[]))));
    assert!((375..600).contains(&four), "{four} ms for 4 × 100 kB at 1 MB/s");
}

#[test]
fn a_request_can_limit_itself() {
    let server = serving(20_000);
    let limited = timed(|| {
        let reply = support::get(&server, KEY, &[("x-oss-traffic-limit", "819200")]);
        assert_eq!(reply.body.len(), 20_000);
    });
    assert!((190..400).contains(&limited), "{limited} ms for 20 kB at 819200 bit/s");
}

#[test]
fn a_round_trip_passes_when_a_connection_opens_and_before_each_reply() {
    let server = serving(1000);
    server.inject(Fault::RoundTrip(Duration::from_millis(50)));
    let mut client = Client::new(&server);
    let first = timed(|| drop(client.get(KEY, &[])));
    let second = timed(|| drop(client.get(KEY, &[])));
    assert!((98..180).contains(&first), "{first} ms");
    assert!((49..110).contains(&second), "{second} ms");
}

#[test]
fn a_slow_connection_does_not_slow_the_others() {
    let server = serving(50_000);
    server.inject_when(Matcher::any().every_connection(2), Fault::RateLimit(100_000));
    let (mut fast, mut slow) = (Client::new(&server), Client::new(&server));
    assert!(timed(|| drop(fast.get(KEY, &[]))) < 200);
    assert!(timed(|| drop(slow.get(KEY, &[]))) >= 480);
}
