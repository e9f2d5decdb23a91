//! The state after a download's first attempt was abandoned.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use local_oss::{Fault, Matcher};
use oss_resumable::{Client, ClientOptions, Credentials, DownloadRequest};

use crate::fixture::{Fixture, MIB};

#[test]
fn a_download_that_started_over_has_a_checkpoint_again() {
    let fixture = Fixture::new(4 * MIB);
    fixture.server.inject_when(Matcher::any().nth(2), Fault::NewGeneration);
    // The third reply shows the new object. The second one after the new start breaks, and no other request is answered.
    fixture.server.inject_when(Matcher::any().nth(5), Fault::CloseAfter(MIB));
    let denied = Fault::Status { status: 403, code: "AccessDenied".to_owned(), retry_after: None };
    fixture.server.inject_when(Matcher::any().from(6), denied);
    let request = fixture.request().thread_num(1);
    fixture.client().download(&request).expect_err("denied");
    assert!(fixture.journal().is_some(), "{:?}", fixture.files());
    fixture.server.clear_faults();
    let outcome = fixture.client().download(&request).expect("resume");
    fixture.assert_whole(&outcome);
    assert!(outcome.statistics.bytes_reused >= MIB, "{:?}", outcome.statistics);
}

#[test]
fn a_stream_with_a_wrong_byte_does_not_count_as_broken() {
    let fixture = Fixture::new(4 * MIB);
    fixture.server.inject(Fault::NoEtag);
    // The first reply shows that there is no ETag; the second is the stream and the first reply with this byte.
    fixture.server.inject_when(Matcher::any().nth(1), Fault::FlipByte(MIB));
    for broken in [3, 4] {
        fixture.server.inject_when(Matcher::any().nth(broken), Fault::CloseAfter(2 * MIB));
    }
    fixture.assert_whole(
        &fixture.client().download(&fixture.request()).expect("the third of three attempts"),
    );
    assert_eq!(fixture.server.requests().len(), 5);
}

#[test]
fn a_condition_applies_although_every_byte_is_on_the_disk() {
    let fixture = Fixture::new(MIB);
    let mut request = fixture.request();
    // A run that ends between its last byte and its rename leaves all bytes; nothing is missing.
    request.overwrite = oss_resumable::Overwrite::Fail;
    let client = fixture.client();
    let mut in_the_way = |status: &oss_resumable::Status| {
        if status.bytes_done > 0 && !fixture.target().exists() {
            std::fs::write(fixture.target(), b"in the way").expect("write");
        }
        true
    };
    fixture.server.inject_when(Matcher::any().nth(2), Fault::RoundTrip(Duration::from_millis(500)));
    let error = client.download_with(&request, &mut in_the_way).expect_err("in the way");
    assert_eq!(error.code(), "FileAlreadyExists");
    std::fs::remove_file(fixture.target()).expect("remove");

    request.if_match = vec!["another".to_owned()];
    let error = client.download(&request).expect_err("another object is wanted");
    assert_eq!(error.code(), "PreconditionFailed");
    request.if_match.clear();
    let outcome = client.download(&request).expect("nothing is missing");
    assert_eq!(outcome.statistics.bytes_reused, MIB);
}

#[test]
fn an_error_page_without_an_end_is_an_error_after_a_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
    let endpoint = format!("http://{}", listener.local_addr().expect("address"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("accept");
        let _ = stream.read(&mut [0; 4096]);
        let head = "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut sent = stream.write_all(head.as_bytes());
        while sent.is_ok() {
            sent = stream.write_all(format!("1000\r\n{}\r\n", "x".repeat(0x1000)).as_bytes());
        }
    });
    let options =
        ClientOptions::new(endpoint).region("cn-hangzhou").credentials(Credentials::Anonymous);
    let directory = tempfile::tempdir().expect("directory");
    let request =
        DownloadRequest::new("examplebucket", "key").file_path(directory.path().join("f"));
    let download = Client::new(options).expect("client").start(&request).expect("start");
    let ended = download.wait(Some(Duration::from_secs(20))).expect("an end");
    assert_eq!(ended.expect_err("forbidden").status(), 403);
    server.join().expect("server");
}
