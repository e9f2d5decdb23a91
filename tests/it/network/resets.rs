//! Connections that break, at any byte.

use local_oss::{Fault, Matcher};
use oss_resumable::{ErrorKind, Proof};

use crate::effort::figure;
use crate::fixture::{Fixture, MIB, PART};

use super::proxy::{How, Proxy, Treatment};
use super::{both_transports, each, fixture_of, fixture_with_fault, tls};

const SIZE: u64 = 3 * PART;

/// Byte positions in what the server sends on a connection: many in the first kilobytes, with the TLS handshake and the
/// head of the reply, and then around the boundaries of TLS records and of the first part.
fn positions() -> Vec<u64> {
    let early = (0..4500).step_by(127);
    let borders = [16_384, 65_536, PART].into_iter().flat_map(|at| [at - 1, at, at + 700]);
    early.chain(borders).collect()
}

/// One position on one connection.
#[derive(Debug)]
struct Break {
    at: u64,
    connection: u64,
    how: How,
}

fn breaks(how: How, connection: u64) -> impl Iterator<Item = Break> {
    positions().into_iter().map(move |at| Break { at, connection, how })
}

fn survives(fixture: &Fixture, Break { at, connection, how }: &Break) {
    let proxy = Proxy::for_one(fixture, *connection, Treatment::Cut(*at, *how));
    let outcome = proxy.client(fixture).download(&fixture.request()).unwrap_or_else(|error| {
        panic!("{how:?} at byte {at} of connection {connection}: {error}");
    });
    fixture.assert_whole(&outcome);
    assert!(outcome.proof == Proof::ObjectCrc && outcome.etag.is_some(), "a head was cut off");
}

#[test]
fn a_connection_reset_at_any_byte_is_replaced() {
    let cases = (1..=3).flat_map(|connection| breaks(How::Reset, connection));
    let count = each(cases, |case| survives(&fixture_of(Default::default(), SIZE), case));
    figure(&format!("reset at {count} places"));
}

#[test]
fn a_tls_connection_reset_at_any_byte_of_handshake_or_reply_is_replaced() {
    let cases = (1..=3).flat_map(|connection| breaks(How::Reset, connection));
    let count = each(cases, |case| survives(&fixture_of(tls(), SIZE), case));
    figure(&format!("reset at {count} places"));
}

#[test]
fn a_connection_closed_at_any_byte_is_replaced() {
    for config in both_transports() {
        let cases = (1..=2).flat_map(|connection| breaks(How::Close, connection));
        each(cases, |case| survives(&fixture_of(config.clone(), SIZE), case));
    }
}

#[test]
fn connections_that_all_break_at_the_same_byte_complete_the_download() {
    for config in both_transports() {
        each([(How::Reset, 40_000), (How::Close, 70_001), (How::Reset, 110_003)], |case| {
            let (how, at) = *case;
            let fixture = fixture_of(config.clone(), MIB);
            let proxy = Proxy::new(&fixture, move |_| Treatment::Cut(at, how));
            let outcome = fixture.assert_downloads(&proxy.client(&fixture), &fixture.request());
            // A connection delivers fewer than `at` body bytes: heads and TLS count too.
            assert!(proxy.connections() >= MIB / at, "{} connections", proxy.connections());
            assert_eq!(outcome.statistics.bytes_from_network, MIB, "{case:?}");
        });
    }
}

#[test]
fn connections_that_never_deliver_a_byte_are_an_error_after_three() {
    for config in both_transports() {
        each([(How::Reset, 0), (How::Close, 5), (How::Reset, 40), (How::Close, 300)], |case| {
            let (how, at) = *case;
            let fixture = fixture_of(config.clone(), SIZE);
            let proxy = Proxy::new(&fixture, move |_| Treatment::Cut(at, how));
            let request = fixture.request();
            let error = proxy.client(&fixture).download(&request).expect_err("no byte");
            assert_eq!(error.kind(), ErrorKind::Transport, "{case:?}: {error}");
            assert_eq!(proxy.connections(), 3, "{case:?}: {error}");
            fixture.assert_old_file(&request);
            fixture.assert_recovers(&request);
        });
    }
}

#[test]
fn a_tls_stream_that_ends_without_close_notify_is_not_the_end_of_the_body() {
    // Without a Content-Length the end of the stream would be the end of the body.
    for framing in [None, Some(Fault::NoContentLength), Some(Fault::Chunked)] {
        let fixture = fixture_of(tls(), SIZE);
        fixture.server.inject_when(Matcher::any().times(3), Fault::CutOffAfter(50_000));
        if let Some(fault) = framing {
            fixture.server.inject(fault);
        }
        // Several connections share the rest, so one may have all of its bytes before it breaks.
        let outcome = fixture.assert_downloads(&fixture.client(), &fixture.single());
        assert_eq!(outcome.statistics.bytes_from_network, SIZE);
        assert_eq!(outcome.statistics.retries_broken, 3, "{:?}", outcome.statistics);
    }
}

#[test]
fn without_retries_a_reset_is_the_error_and_the_next_run_resumes_at_its_byte() {
    let fixture = fixture_with_fault(MIB, Matcher::any().nth(2), Fault::ResetAfter(300_000));
    let client = fixture.client_without_retries();
    let error = client.download(&fixture.single()).expect_err("reset");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Transport, "ClientError:200056"));
    fixture.assert_old_file(&fixture.single());
    assert!(fixture.journal().is_some());
    let outcome = fixture.assert_downloads(&client, &fixture.single());
    assert!(outcome.statistics.bytes_reused > PART, "{:?}", outcome.statistics);
}
