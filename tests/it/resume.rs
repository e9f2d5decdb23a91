//! Resuming an interrupted download.

use std::fs;
use std::time::Duration;

use local_oss::{Fault, Matcher, Object};
use oss_resumable::{Checkpoint, DownloadRequest, ErrorKind, Outcome, Overwrite, Status};

use crate::fixture::{BUCKET, Fixture, KEY, MIB, PART};
use crate::traffic::{asked, merged, sent, total};

/// Downloads again and checks that exactly the first `held` bytes were reused and only the others fetched.
fn finish(fixture: &Fixture, request: &DownloadRequest, held: u64) -> Outcome {
    let before = fixture.server.requests().len();
    let outcome = fixture.client().download(request).expect("resume");
    fixture.assert_whole(&outcome);
    let statistics = &outcome.statistics;
    assert_eq!(statistics.bytes_reused, held);
    assert_eq!(statistics.bytes_from_network, outcome.file_size - held);
    assert_eq!(statistics.bytes_discarded, 0);
    let replies: Vec<_> = fixture.requests_after(before).iter().map(sent).collect();
    assert_eq!(merged(replies.clone()), [held..outcome.file_size]);
    assert_eq!(total(&replies), outcome.file_size - held, "a byte arrived twice");
    outcome
}

#[test]
fn a_resumed_download_continues_at_any_byte_of_a_part() {
    let fixture = Fixture::new(MIB);
    for bytes in [0, 1, 4095, PART - 1, PART, PART + 1, 500_001, MIB - PART - 1] {
        let (error, first) = fixture.interrupt(&fixture.request(), bytes);
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert_eq!(first.bytes_from_network, PART + bytes);
        assert!(fixture.journal().is_some() && !fixture.target().exists());

        let before = fixture.server.requests().len();
        let outcome = finish(&fixture, &fixture.request().thread_num(1), PART + bytes);
        let opening = &fixture.requests_after(before)[0];
        assert_eq!(asked(opening), PART + bytes..MIB.min(2 * PART + bytes));
        assert_eq!(outcome.statistics.requests, if MIB - PART - bytes <= PART { 1 } else { 2 });
        fs::remove_file(fixture.target()).expect("remove");
    }
}

#[test]
fn a_download_interrupted_repeatedly_fetches_each_byte_once() {
    let fixture = Fixture::new(MIB);
    let mut fetched = 0;
    for _ in 0..4 {
        fetched += fixture.interrupt(&fixture.request(), 54_321).1.bytes_from_network;
    }
    assert_eq!(fetched, 4 * (PART + 54_321));
    finish(&fixture, &fixture.request(), fetched);
}

#[test]
fn a_cancelled_download_keeps_the_bytes_of_all_its_connections() {
    let fixture = Fixture::new(8 * MIB);
    fixture.server.inject(Fault::RateLimit(4 * MIB));
    let download = fixture.client().start(&fixture.request().thread_num(4)).expect("start");
    while download.status().statistics.bytes_from_network < 3 * MIB {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(download.status().active_connections, 4);
    download.cancel();
    let error = download.wait(None).expect("an end").expect_err("cancelled");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Cancelled, "Cancelled"));
    let held = download.status().statistics.bytes_from_network;
    fixture.server.clear_faults();

    let outcome = fixture.client().download(&fixture.request()).expect("resume");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_reused, held);
    assert_eq!(outcome.statistics.bytes_from_network, 8 * MIB - held);
}

#[test]
fn a_dropped_handle_and_a_shut_down_client_leave_a_resumable_checkpoint() {
    for shut_down in [false, true] {
        let fixture = Fixture::new(2 * MIB);
        let rule = fixture.server.inject_when(Matcher::any().from(2), Fault::StallAfter(100_000));
        let client = fixture.client();
        let download = client.start(&fixture.request().thread_num(1)).expect("start");
        while download.status().statistics.bytes_from_network < PART + 100_000 {
            std::thread::sleep(Duration::from_millis(5));
        }
        if shut_down {
            client.shutdown();
        }
        drop(download);
        assert_eq!(fixture.server.fault_hits(rule), 1);
        fixture.server.clear_faults();
        finish(&fixture, &fixture.request(), PART + 100_000);
    }
}

#[test]
fn a_download_that_was_denied_half_way_resumes_when_it_is_allowed() {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject_when(Matcher::any().nth(2), Fault::CloseAfter(300_000));
    let forbidden = Fault::Status { status: 403, code: "AccessDenied".into(), retry_after: None };
    fixture.server.inject_when(Matcher::any().from(3), forbidden);
    let error = fixture.client().download(&fixture.request().thread_num(1)).expect_err("forbidden");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Service, "AccessDenied"));
    assert!(error.request_id().is_some());
    fixture.server.clear_faults();
    finish(&fixture, &fixture.request(), PART + 300_000);
}

#[test]
fn the_download_of_a_removed_object_resumes_when_the_object_is_back() {
    let fixture = Fixture::new(MIB);
    fixture.interrupt(&fixture.request(), 77_777);
    fixture.server.remove(BUCKET, KEY);
    let error = fixture.client().download(&fixture.request()).expect_err("removed");
    assert_eq!(error.code(), "NoSuchKey");
    fixture.server.put(BUCKET, KEY, Object::pattern(MIB, 7));
    finish(&fixture, &fixture.request(), PART + 77_777);
}

/// A download whose bytes are all on the disk, but which could not be renamed to its target.
pub fn all_but_finished(fixture: &Fixture) {
    fixture.server.inject_when(Matcher::any().nth(2), Fault::RoundTrip(Duration::from_millis(300)));
    let request = fixture.request_with(|request| request.overwrite = Overwrite::Fail);
    let mut in_the_way = |_: &Status| fs::write(fixture.target(), "in the way").is_ok();
    let error = fixture.client().download_with(&request, &mut in_the_way).expect_err("in the way");
    assert_eq!(error.code(), "FileAlreadyExists");
    fs::remove_file(fixture.target()).expect("remove");
    fixture.server.clear_faults();
}

#[test]
fn when_nothing_is_missing_a_head_checks_that_the_object_is_unchanged() {
    let fixture = Fixture::new(MIB);
    all_but_finished(&fixture);
    let before = fixture.server.requests().len();
    let outcome = fixture.client().download(&fixture.request()).expect("resume");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_reused, MIB);
    let requests = fixture.requests_after(before);
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].method, "HEAD");
    let etag = outcome.etag.expect("an ETag");
    assert_eq!(requests[0].header("If-Match"), Some(format!("\"{etag}\"").as_str()));
}

#[test]
fn a_proxy_s_page_in_reply_to_the_head_costs_no_byte() {
    for status in [200, 206] {
        let fixture = Fixture::new(MIB);
        all_but_finished(&fixture);
        fixture.server.inject_when(Matcher::any().head().times(1), Fault::Html(status));
        let outcome = fixture.client().download(&fixture.request()).expect("resume");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_reused, MIB);
    }
}

#[test]
fn when_nothing_is_missing_but_the_object_changed_everything_is_fetched() {
    for size in [MIB - 1, MIB, MIB + 1, 0] {
        let fixture = Fixture::new(MIB);
        all_but_finished(&fixture);
        fixture.server.put(BUCKET, KEY, Object::pattern(size, 8));
        let outcome = fixture.client().download(&fixture.request()).expect("start over");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_reused, 0);
    }
}

#[test]
fn an_object_replaced_between_runs_is_downloaded_from_the_start() {
    // Of the first object 302,400 bytes are recorded.
    for size in [MIB, 2 * MIB, 700_000, 302_401, 302_400, 302_399, PART, 1, 0] {
        let fixture = Fixture::new(MIB);
        fixture.interrupt(&fixture.request(), 200_000);
        fixture.server.put(BUCKET, KEY, Object::pattern(size, 8));
        let outcome = fixture.client().download(&fixture.request()).expect("start over");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_reused, 0, "{size} bytes");
    }
}

#[test]
fn an_object_replaced_at_any_request_of_a_run_gives_the_new_object() {
    for resumed in [false, true] {
        for k in 1.. {
            let fixture = Fixture::new(3 * MIB);
            if resumed {
                fixture.interrupt(&fixture.request(), 200_000);
            }
            let rule = fixture.server.inject_when(Matcher::any().nth(k), Fault::NewGeneration);
            let outcome = fixture.client().download(&fixture.request()).expect("the new object");
            if fixture.server.fault_hits(rule) == 0 {
                assert!(k > 3, "only {k} requests");
                break;
            }
            fixture.assert_whole(&outcome);
            // It contains no byte of the old object.
            assert!(outcome.statistics.bytes_from_network >= 3 * MIB, "request {k}");
        }
    }
}

#[test]
fn an_object_replaced_repeatedly_is_an_error_that_leaves_nothing_behind() {
    for with_checkpoint in [true, false] {
        let fixture = Fixture::new(2 * MIB);
        fs::write(fixture.target(), "old").expect("write");
        fixture.server.inject(Fault::NewGeneration);
        let request = fixture.request_with(|request| {
            if !with_checkpoint {
                request.checkpoint = Checkpoint::Off;
            }
        });
        let error = fixture.client().download(&request).expect_err("replaced");
        assert_eq!((error.kind(), error.code()), (ErrorKind::ObjectChanged, "ObjectChanged"));
        // Two starts, each with a first request, one for each connection and one without a condition.
        assert!(fixture.server.requests().len() <= 2 * 5, "it does not give up");
        assert_eq!(fixture.files(), ["file.bin"]);
        assert_eq!(fs::read(fixture.target()).expect("read"), b"old");
        fixture.server.clear_faults();
        let outcome = fixture.client().download(&request).expect("download");
        fixture.assert_whole(&outcome);
    }
}

#[test]
fn without_a_checkpoint_a_failed_download_leaves_nothing_and_starts_over() {
    let fixture = Fixture::new(MIB);
    let request = fixture.request_with(|request| request.checkpoint = Checkpoint::Off);
    fixture.interrupt(&request, 200_000);
    assert!(fixture.files().is_empty());
    finish(&fixture, &request, 0);
}

#[test]
fn the_old_file_stays_until_the_new_one_is_complete() {
    let fixture = Fixture::new(2 * MIB);
    fs::write(fixture.target(), "old").expect("write");
    fixture.interrupt(&fixture.request(), 200_000);
    assert_eq!(fs::read(fixture.target()).expect("read"), b"old");

    fixture.server.inject(Fault::RateLimit(2 * MIB));
    let mut seen = 0;
    let mut look = |status: &Status| {
        if status.bytes_done < 2 * MIB {
            assert_eq!(fs::read(fixture.target()).expect("read"), b"old");
            seen += 1;
        }
        true
    };
    let outcome = fixture.client().download_with(&fixture.request(), &mut look).expect("resume");
    assert!(seen > 1);
    fixture.assert_whole(&outcome);
}

#[test]
fn the_checkpoint_is_kept_where_the_request_says() {
    let fixture = Fixture::new(MIB);
    let elsewhere = tempfile::tempdir().expect("directory");
    let there = || fs::read_dir(elsewhere.path()).expect("list").count();
    let request = fixture.request().checkpoint_dir(elsewhere.path());
    fixture.interrupt(&request, 1);
    assert_eq!((fixture.files(), there()), (vec!["file.bin.temp".to_owned()], 1));
    finish(&fixture, &request, PART + 1);
    assert_eq!(there(), 0);

    fs::remove_file(fixture.target()).expect("remove");
    let request = fixture.request_with(|request| request.checkpoint = Checkpoint::BesideTarget);
    fixture.interrupt(&request, 1);
    assert!(fixture.journal().is_some());
    finish(&fixture, &request, PART + 1);
}

#[test]
fn another_part_size_and_thread_num_use_the_same_checkpoint() {
    for (part_size, thread_num) in [(PART, 7), (150_001, 1), (16 * MIB, 3), (MIB, 64)] {
        let fixture = Fixture::new(2 * MIB);
        fixture.interrupt(&fixture.request(), 700_001);
        let request = fixture.request().part_size(part_size).thread_num(thread_num);
        finish(&fixture, &request, PART + 700_001);
    }
}
