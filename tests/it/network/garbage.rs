//! Garbage in place of a head, in its first line, after it, and after a body.

use local_oss::{Fault, Matcher};
use oss_resumable::{ErrorKind, Proof};

use crate::fixture::PART;

use super::proxy::{How, Proxy, Treatment};
use super::{both_transports, each, fixture, fixture_of, fixture_with_fault, header};

const SIZE: u64 = 3 * PART + 77;

/// Random bytes without a line end.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .filter(|byte| *byte != b'\n')
    .take(length)
    .collect()
}

fn said(head: &str) -> Vec<u8> {
    head.replace('\n', "\r\n").into_bytes()
}

/// Garbage in place of a reply's head.
fn heads() -> Vec<(&'static str, Vec<u8>)> {
    let line =
        |length| [b"HTTP/1.1 206 OK\r\nx-oss-meta-a: ".to_vec(), vec![b'a'; length]].concat();
    vec![
        ("nothing", Vec::new()),
        ("noise", noise(300)),
        ("much noise", noise(500_000)),
        ("an SSH server", said("SSH-2.0-OpenSSH_9.2\n")),
        ("HTTP/0.9", b"<html>hello</html>".to_vec()),
        ("HTTP/2", noise(9)),
        ("an unfinished status line", b"HTTP/1.1 2".to_vec()),
        ("a status that is no number", said("HTTP/1.1 2O6 OK\nContent-Length: 0\n\n")),
        ("a status of four digits", said("HTTP/1.1 2060 OK\nContent-Length: 0\n\n")),
        ("a status of four digits, and a body", said("HTTP/1.1 2060 OK\nContent-Length: 2\n\nhi")),
        (
            "a header without a name",
            said("HTTP/1.1 206 OK\n: x\nx-oss-request-id: 1\nContent-Range: x\n\n"),
        ),
        ("a header with a NUL", b"HTTP/1.1 206 OK\r\nETag: \"a\0b\"\r\n\r\n".to_vec()),
        ("a line without an end", line(150_000)),
        ("a long line", [line(150_000), said("\n\n")].concat()),
        ("headers without an end", "HTTP/1.1 206 OK\r\n".to_owned().into_bytes()),
        ("many headers", said(&format!("HTTP/1.1 206 OK\n{}", "x-a: b\n".repeat(60_000)))),
        ("a length that is no number", said("HTTP/1.1 206 OK\nContent-Length: ten\n\n")),
        ("a negative length", said("HTTP/1.1 206 OK\nContent-Length: -1\n\n")),
        (
            "a length beyond 64 bits",
            said("HTTP/1.1 206 OK\nContent-Length: 18446744073709551617\n\n"),
        ),
        ("two lengths", said("HTTP/1.1 206 OK\nContent-Length: 5\nContent-Length: 6\n\nhello")),
        ("interim replies and no other", said(&"HTTP/1.1 100 Continue\n\n".repeat(50))),
        ("a switch of protocols", said("HTTP/1.1 101 Switching\nUpgrade: h2c\n\n")),
        ("a chunk that is no number", said("HTTP/1.1 206 OK\nTransfer-Encoding: chunked\n\nzz\n")),
    ]
}

#[test]
fn garbage_in_place_of_one_reply_costs_an_attempt() {
    for config in both_transports() {
        let cases = [1, 2].into_iter().flat_map(|connection| {
            heads().into_iter().map(move |(what, bytes)| (connection, what, bytes))
        });
        each(cases, |(connection, what, bytes)| {
            let fixture = fixture_of(config.clone(), SIZE);
            let proxy = Proxy::for_one(
                &fixture,
                *connection,
                Treatment::Replace(bytes.clone(), How::Close),
            );
            let outcome = proxy
                .client(&fixture)
                .download(&fixture.request())
                .unwrap_or_else(|error| panic!("{what} on connection {connection}: {error}"));
            fixture.assert_whole(&outcome);
            assert_eq!(outcome.proof, Proof::ObjectCrc, "{what} on connection {connection}");
        });
    }
}

#[test]
fn garbage_in_place_of_every_reply_is_an_error_after_three_attempts() {
    for config in both_transports() {
        each(heads(), |(what, bytes)| {
            let fixture = fixture_of(config.clone(), SIZE);
            let bytes = bytes.clone();
            let proxy =
                Proxy::new(&fixture, move |_| Treatment::Replace(bytes.clone(), How::Close));
            let request = fixture.request();
            let error = proxy.client(&fixture).download(&request).expect_err(what);
            let codes =
                ["InvalidReply", "ClientError:200035", "ClientError:200052", "ClientError:200056"];
            assert!(codes.contains(&error.code()), "{what}: {error}");
            assert_eq!(proxy.connections(), 3, "{what}: {error}");
            fixture.assert_old_file(&request);
        });
    }
}

#[test]
fn a_status_line_that_cannot_be_read_is_an_unusable_reply() {
    for line in
        ["HTTP/1.1 2000 OK", "HTTP/1.1 2060 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2O6 OK", "ICY 200 OK"]
    {
        let fixture = fixture_with_fault(SIZE, Matcher::any(), Fault::StatusLine(line.to_owned()));
        let request = fixture.request();
        let error = fixture.assert_refuses(
            &fixture.client(),
            &request,
            ErrorKind::Integrity,
            "InvalidReply",
        );
        assert!(error.message().contains("the reply cannot be read: "), "{line}: {error}");
        assert_eq!((error.status(), fixture.server.requests().len()), (0, 3), "{line}: {error}");
        fixture.assert_recovers(&request);

        let fixture =
            fixture_with_fault(SIZE, Matcher::any().nth(2), Fault::StatusLine(line.to_owned()));
        let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
        assert_eq!(outcome.statistics.retries_reply, 1, "{line}");
    }
}

#[test]
fn garbage_between_head_and_body_is_found_by_the_checksum_and_fetched_again() {
    for k in [1, 2] {
        let fixture = fixture_with_fault(SIZE, Matcher::any().nth(k), Fault::GarbageBeforeBody(10));
        let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
        assert_eq!(outcome.proof, Proof::ObjectCrc);
        assert_eq!(outcome.statistics.bytes_from_network, 2 * SIZE);
    }
}

#[test]
fn garbage_between_every_head_and_body_is_an_error() {
    for fault in [Fault::GarbageBeforeBody(1), Fault::GarbageBody] {
        let fixture = fixture_with_fault(SIZE, Matcher::any(), fault);
        for request in [fixture.request(), fixture.request_without_checkpoint()] {
            let kind = ErrorKind::Integrity;
            fixture.assert_refuses(&fixture.client(), &request, kind, "CrcCheckError");
            assert!(fixture.journal().is_none(), "a checkpoint would only repeat the failure");
        }
        fixture.assert_recovers(&fixture.request());
    }
}

#[test]
fn an_unrequested_reply_is_not_used_as_the_next_one() {
    for config in both_transports() {
        for request_count in [1, 3] {
            let fixture = fixture_of(config.clone(), SIZE);
            fixture.server.inject(Fault::UnaskedReply);
            let request = fixture.request().thread_num(request_count);
            let outcome = fixture.assert_downloads(&fixture.client(), &request);
            assert_eq!(outcome.statistics.bytes_discarded, 0, "{:?}", outcome.statistics);
        }
    }
}

#[test]
fn a_head_as_long_as_the_service_allows_is_read() {
    let fixture = fixture(SIZE);
    fixture.server.inject(header("x-oss-meta-long", Some(&"v".repeat(8000))));
    fixture.assert_downloads(&fixture.client(), &fixture.request());
}
