//! Caches between the server and the download, as peer-to-peer distributors put them there: some drop `If-Match`, some
//! answer from an older copy. There is never a wrong file.

use std::sync::Arc;

use parking_lot::Mutex;

use oss_resumable::{DownloadRequest, ErrorKind};

use crate::effort::cases;
use crate::fixture::{Fixture, PART};

use super::server::{Reply, Request, Scripted};
use super::{client, client_with};

const SIZE: usize = 6 * PART as usize + 5;

/// A generation of the object; none has a run of bytes that another one has at the same place.
fn generation(number: usize) -> Vec<u8> {
    (0..SIZE).map(|n| (n * 13 + n / 255 + number * 101) as u8).collect()
}

/// How a cache treats `If-Match`.
#[derive(Clone, Copy, Debug)]
enum Condition {
    /// It answers 412.
    Heeded,
    /// It does not look at it.
    Dropped,
}

/// An origin whose object is at generation `current`, behind a cache which answers request `n` with the generation
/// `stale(n, current)`.
fn cached(
    current: Arc<Mutex<usize>>,
    condition: Condition,
    headers: impl Fn(usize) -> Vec<String> + Send + Sync + 'static,
    stale: impl Fn(usize, usize) -> usize + Send + Sync + 'static,
) -> Scripted {
    Scripted::start(move |n, request| {
        let shown = stale(n, *current.lock());
        let headers = headers(shown);
        let heads: Vec<&str> = headers.iter().map(String::as_str).collect();
        let matches = matches(request, &headers);
        match condition {
            Condition::Heeded if !matches => {
                Reply::new("412 Precondition Failed", &["Content-Length: 0"], "")
            }
            _ => Reply::part(&generation(shown), request, &heads),
        }
    })
}

fn matches(request: &Request, headers: &[String]) -> bool {
    let wanted = request.header("If-Match");
    wanted.is_none_or(|etag| headers.contains(&format!("ETag: {etag}")))
}

fn etags(number: usize) -> Vec<String> {
    vec![format!("ETag: \"g{number}\"")]
}

/// The number of the generation in the target.
fn found(fixture: &Fixture) -> Option<usize> {
    let file = std::fs::read(fixture.target()).expect("file");
    (0..40).find(|number| generation(*number) == file)
}

fn request(fixture: &Fixture, server: &Scripted) -> DownloadRequest {
    fixture.request_for(server.url("/x"))
}

#[test]
fn a_cache_that_drops_if_match_is_no_matter_while_the_object_is_the_same() {
    let fixture = Fixture::new(1);
    let server = cached(Arc::new(Mutex::new(3)), Condition::Dropped, etags, |_, now| now);
    let outcome = client().download(&request(&fixture, &server)).expect("download");
    assert_eq!((found(&fixture), outcome.etag.as_deref()), (Some(3), Some("g3")));
    assert!(server.requests().len() > 1);
}

#[test]
fn an_older_copy_at_any_request_never_mixes_with_the_newer_object() {
    for condition in [Condition::Heeded, Condition::Dropped] {
        for period in 2..=cases(5, 9) as usize {
            let fixture = Fixture::new(1);
            let stale = move |n: usize, now: usize| if n % period == 1 { now - 1 } else { now };
            let server = cached(Arc::new(Mutex::new(1)), condition, etags, stale);
            match client().download(&request(&fixture, &server)) {
                Ok(outcome) => {
                    let number = found(&fixture).expect("one generation");
                    assert_eq!(outcome.etag, Some(format!("g{number}")));
                }
                Err(error) => assert!(
                    error.kind() == ErrorKind::ObjectChanged || error.status() == 412,
                    "{error}"
                ),
            }
        }
    }
}

#[test]
fn caches_without_etags_or_with_weak_ones_deliver_one_generation_in_one_stream() {
    let weak = |number: usize| vec![format!("ETag: W/\"g{number}\"")];
    let none = |_: usize| vec!["Last-Modified: Mon, 07 Nov 1994 08:49:37 GMT".to_owned()];
    for heads in [weak as fn(usize) -> Vec<String>, none] {
        for period in 2..=4 {
            let fixture = Fixture::new(1);
            let stale = move |n: usize, now: usize| if n % period == 1 { now - 1 } else { now };
            let server = cached(Arc::new(Mutex::new(1)), Condition::Dropped, heads, stale);
            client().download(&request(&fixture, &server)).expect("one stream");
            assert!(found(&fixture).is_some());
        }
    }
}

#[test]
fn an_object_that_becomes_shorter_is_a_changed_one_although_it_is_sent_whole() {
    let fixture = Fixture::new(1);
    let server = Scripted::start(|n, request| {
        let (bytes, etag) = match n {
            0 => (generation(1), "ETag: \"g1\""),
            _ => (generation(2)[..SIZE / 2].to_vec(), "ETag: \"g2\""),
        };
        // As OSS does without x-oss-range-behavior, and without looking at If-Match.
        let asked = request.header("Range").and_then(|range| range.rsplit('-').next());
        match asked.and_then(|last| last.parse::<usize>().ok()) {
            Some(last) if last >= bytes.len() => Reply::whole(&bytes, &[etag]),
            _ => Reply::part(&bytes, request, &[etag]),
        }
    });
    let outcome = client().download(&request(&fixture, &server)).expect("the shorter one");
    let file = std::fs::read(fixture.target()).expect("file");
    assert!(outcome.etag.as_deref() == Some("g2") && file == generation(2)[..SIZE / 2]);
}

#[test]
fn an_object_that_is_replaced_between_two_runs_or_looks_older_in_the_second_starts_over() {
    for condition in [Condition::Heeded, Condition::Dropped] {
        for (before, after) in [(1, 2), (2, 1), (1, 1)] {
            let fixture = Fixture::new(1);
            let current = Arc::new(Mutex::new(before));
            // The first run ends after two replies.
            let refuses = Arc::new(Mutex::new(true));
            let (now, ends) = (current.clone(), refuses.clone());
            let server = Scripted::start(move |n, request| {
                let shown = *now.lock();
                let head = etags(shown);
                match condition {
                    _ if *ends.lock() && n >= 2 => {
                        Reply::new("404 Not Found", &["Content-Length: 0"], "")
                    }
                    Condition::Heeded if !matches(request, &head) => {
                        Reply::new("412 Precondition Failed", &["Content-Length: 0"], "")
                    }
                    _ => Reply::part(&generation(shown), request, &[&head[0]]).cut_after(50_000),
                }
            });
            let once = client_with(|options| options.max_attempts = 1);
            once.download(&request(&fixture, &server)).expect_err("interrupted");
            let left = client().inspect_checkpoint(&request(&fixture, &server)).expect("read");
            assert!(left.expect("a checkpoint").bytes_recorded > 0);
            *current.lock() = after;
            *refuses.lock() = false;
            let outcome = client().download(&request(&fixture, &server)).expect("resume");
            assert_eq!(found(&fixture), Some(after));
            assert_eq!(outcome.statistics.bytes_reused > 0, before == after);
        }
    }
}
