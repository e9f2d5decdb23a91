//! Objects that are replaced while they are downloaded: the file is of one generation, or there is none.

use local_oss::{Config, Fault, Matcher, Object};
use oss_resumable::{ClientOptions, DownloadRequest, ErrorKind};

use crate::effort::figure;
use crate::fixture::{BUCKET, Fixture, KEY, MIB};

use super::{OLD, each, fixture_of};

const SIZE: u64 = MIB + 5000;
/// Seed of the first generation; each later one adds one.
const FIRST_SEED: u64 = 7;
/// More requests than a download without faults sends.
const REQUESTS: u64 = 8;
const RANGE: std::ops::Range<u64> = 100_000..900_001;

/// A way to download in which generations must not mix.
#[derive(Clone, Copy, Debug)]
struct Manner {
    checkpoint: bool,
    range: bool,
    connections: u32,
    /// Compare the object's CRC-64. Without it only the pinned generation keeps the bytes consistent.
    compare: bool,
    /// The service sends the CRC-64.
    sent: bool,
}

fn manners() -> Vec<Manner> {
    let plain =
        Manner { checkpoint: true, range: false, connections: 3, compare: true, sent: true };
    vec![
        plain,
        Manner { checkpoint: false, ..plain },
        Manner { range: true, ..plain },
        Manner { range: true, checkpoint: false, compare: false, ..plain },
        Manner { compare: false, ..plain },
        Manner { compare: false, sent: false, ..plain },
        Manner { sent: false, connections: 1, ..plain },
        Manner { connections: 8, compare: false, checkpoint: false, ..plain },
    ]
}

impl Manner {
    fn fixture(self) -> Fixture {
        fixture_of(Config { send_crc: self.sent, ..Config::default() }, SIZE)
    }

    fn request(self, fixture: &Fixture) -> DownloadRequest {
        let request =
            if self.checkpoint { fixture.request() } else { fixture.request_without_checkpoint() };
        let request = request.thread_num(self.connections);
        match self.range {
            true => request.range(RANGE.start as i64, RANGE.end as i64 - 1),
            false => request,
        }
    }

    fn options(self, options: &mut ClientOptions) {
        options.verify_crc = self.compare;
    }
}

/// The number of the generation that the target is equal to, if any.
fn generation_of(fixture: &Fixture, manner: Manner) -> Option<u64> {
    let found = std::fs::read(fixture.target()).expect("target");
    let last = fixture.server.requests().len() as u64;
    let whole = 0..SIZE;
    let range = if manner.range { RANGE } else { whole };
    (0..=last).find(|n| {
        fixture.server.put(BUCKET, "generation", Object::pattern(SIZE, FIRST_SEED + n));
        fixture.server.object_bytes(BUCKET, "generation", range.clone()).expect("bytes") == found
    })
}

/// Downloads while the requests of `matcher` each find another generation; returns whether it succeeds.
fn one_generation_or_none(manner: Manner, matcher: Matcher) -> bool {
    let fixture = manner.fixture();
    fixture.server.inject_when(matcher.key(KEY), Fault::NewGeneration);
    let request = manner.request(&fixture);
    let client = fixture.client_with(|options| manner.options(options));
    match client.download(&request) {
        Ok(_) => {
            let generation = generation_of(&fixture, manner);
            assert!(generation.is_some(), "{manner:?}: the file is a mixture");
            assert_eq!(fixture.files(), ["file.bin"]);
            true
        }
        Err(error) => {
            let kind = (error.kind(), error.code());
            assert_eq!(kind, (ErrorKind::ObjectChanged, "ObjectChanged"), "{manner:?}: {error}");
            assert_eq!(std::fs::read(fixture.target()).expect("the old file"), OLD);
            assert_eq!(fixture.files(), ["file.bin"], "{manner:?}");
            false
        }
    }
}

#[test]
fn an_object_replaced_at_the_kth_request_gives_one_generation() {
    let cases = manners().into_iter().flat_map(|manner| (1..=REQUESTS).map(move |k| (manner, k)));
    let count = each(cases, |&(manner, k)| {
        let whole = one_generation_or_none(manner, Matcher::any().nth(k));
        assert!(whole, "{manner:?}: one change is followed by a clean start, at request {k}");
    });
    figure(&format!("replaced in {count} ways"));
}

#[test]
fn an_object_replaced_at_every_kth_request_gives_one_generation_or_the_error() {
    let cases = manners().into_iter().flat_map(|manner| (1..=REQUESTS).map(move |k| (manner, k)));
    let count = each(cases, |&(manner, k)| {
        let whole = one_generation_or_none(manner, Matcher::any().every(k));
        // A download takes more than two requests, and there are only two starts.
        assert!(!whole || k > 2, "{manner:?} at every {k}");
    });
    figure(&format!("replaced again and again in {count} ways"));
}

#[test]
fn an_object_replaced_while_connections_break_gives_one_generation_or_the_error() {
    let cases = manners().into_iter().flat_map(|manner| (2..=12).map(move |k| (manner, k)));
    each(cases, |&(manner, k)| {
        let fixture = manner.fixture();
        fixture.server.inject(Fault::CloseAfter(180_000));
        fixture.server.inject_when(Matcher::any().nth(k).key(KEY), Fault::NewGeneration);
        let client = fixture.client_with(|options| manner.options(options));
        client
            .download(&manner.request(&fixture))
            .unwrap_or_else(|e| panic!("{manner:?} {k}: {e}"));
        assert!(generation_of(&fixture, manner).is_some(), "{manner:?} {k}: a mixture");
    });
}

#[test]
fn an_object_replaced_by_one_of_another_size_gives_the_new_one() {
    for size in [0, 1, 100_000, SIZE - 1, SIZE + 1, 3 * MIB] {
        each(1..=5, |k| {
            let fixture = fixture_of(Config::default(), SIZE);
            let other = Fault::ReplaceObject(Box::new(Object::pattern(size, 99)));
            let rule = fixture.server.inject_when(Matcher::any().nth(*k), other);
            let outcome = fixture.client().download(&fixture.request());
            let outcome = outcome.unwrap_or_else(|e| panic!("{size} bytes at request {k}: {e}"));
            // A replacement after the last request has no effect.
            if fixture.server.fault_hits(rule) == 1 {
                fixture.assert_whole(&outcome);
            }
        });
    }
}
