//! Going on where an earlier run was interrupted.

use std::fs;
use std::time::Duration;

use local_oss::{Fault, Matcher, Object};
use oss_resumable::{Checkpoint, DownloadRequest, ErrorKind, Outcome, Overwrite, Status};

use crate::lab::{BUCKET, KEY, Lab, MIB, PART};
use crate::traffic::{asked, merged, sent, total};

/// Downloads again and checks that exactly the `held` first bytes were kept and only the others came.
fn finish(lab: &Lab, request: &DownloadRequest, held: u64) -> Outcome {
    let before = lab.server.requests().len();
    let outcome = lab.client().download(request).expect("resume");
    lab.assert_whole(&outcome);
    let statistics = &outcome.statistics;
    assert_eq!(statistics.bytes_reused, held);
    assert_eq!(statistics.bytes_from_network, outcome.file_size - held);
    assert_eq!(statistics.bytes_discarded, 0);
    let replies: Vec<_> = lab.requests_after(before).iter().map(sent).collect();
    assert_eq!(merged(replies.clone()), [held..outcome.file_size]);
    assert_eq!(total(&replies), outcome.file_size - held, "a byte came twice");
    outcome
}

#[test]
fn a_resumed_download_goes_on_at_the_byte_wherever_in_a_part_that_is() {
    let lab = Lab::new(MIB);
    for bytes in [0, 1, 4095, PART - 1, PART, PART + 1, 500_001, MIB - PART - 1] {
        let (error, first) = lab.interrupt(&lab.request(), bytes);
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert_eq!(first.bytes_from_network, PART + bytes);
        assert!(lab.journal().is_some() && !lab.target().exists());

        let before = lab.server.requests().len();
        let outcome = finish(&lab, &lab.request().thread_num(1), PART + bytes);
        let opening = &lab.requests_after(before)[0];
        assert_eq!(asked(opening), PART + bytes..MIB.min(2 * PART + bytes));
        assert_eq!(outcome.statistics.requests, if MIB - PART - bytes <= PART { 1 } else { 2 });
        fs::remove_file(lab.target()).expect("remove");
    }
}

#[test]
fn a_download_interrupted_again_and_again_fetches_each_byte_once() {
    let lab = Lab::new(MIB);
    let mut fetched = 0;
    for _ in 0..4 {
        fetched += lab.interrupt(&lab.request(), 54_321).1.bytes_from_network;
    }
    assert_eq!(fetched, 4 * (PART + 54_321));
    finish(&lab, &lab.request(), fetched);
}

#[test]
fn a_cancelled_download_keeps_the_bytes_of_all_its_connections() {
    let lab = Lab::new(8 * MIB);
    lab.server.inject(Fault::RateLimit(4 * MIB));
    let download = lab.client().start(&lab.request().thread_num(4)).expect("start");
    while download.status().statistics.bytes_from_network < 3 * MIB {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(download.status().active_connections, 4);
    download.cancel();
    let error = download.wait(None).expect("an end").expect_err("cancelled");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Cancelled, "Cancelled"));
    let held = download.status().statistics.bytes_from_network;
    lab.server.clear_faults();

    let outcome = lab.client().download(&lab.request()).expect("resume");
    lab.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_reused, held);
    assert_eq!(outcome.statistics.bytes_from_network, 8 * MIB - held);
}

#[test]
fn a_dropped_handle_and_a_shut_down_client_leave_a_resumable_checkpoint() {
    for shut_down in [false, true] {
        let lab = Lab::new(2 * MIB);
        let rule = lab.server.inject_when(Matcher::any().from(2), Fault::StallAfter(100_000));
        let client = lab.client();
        let download = client.start(&lab.request().thread_num(1)).expect("start");
        while download.status().statistics.bytes_from_network < PART + 100_000 {
            std::thread::sleep(Duration::from_millis(5));
        }
        if shut_down {
            client.shutdown();
        }
        drop(download);
        assert_eq!(lab.server.fault_hits(rule), 1);
        lab.server.clear_faults();
        finish(&lab, &lab.request(), PART + 100_000);
    }
}

#[test]
fn a_download_that_was_forbidden_half_way_goes_on_when_it_is_allowed() {
    let lab = Lab::new(2 * MIB);
    lab.server.inject_when(Matcher::any().nth(2), Fault::CloseAfter(300_000));
    let forbidden = Fault::Status { status: 403, code: "AccessDenied".into(), retry_after: None };
    lab.server.inject_when(Matcher::any().from(3), forbidden);
    let error = lab.client().download(&lab.request().thread_num(1)).expect_err("forbidden");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Service, "AccessDenied"));
    assert!(error.request_id().is_some());
    lab.server.clear_faults();
    finish(&lab, &lab.request(), PART + 300_000);
}

#[test]
fn a_download_of_a_removed_object_goes_on_when_the_object_is_back() {
    let lab = Lab::new(MIB);
    lab.interrupt(&lab.request(), 77_777);
    lab.server.remove(BUCKET, KEY);
    let error = lab.client().download(&lab.request()).expect_err("removed");
    assert_eq!(error.code(), "NoSuchKey");
    lab.server.put(BUCKET, KEY, Object::pattern(MIB, 7));
    finish(&lab, &lab.request(), PART + 77_777);
}

/// A download of which every byte is here, but which could not be put in its place.
fn all_but_finished(lab: &Lab) {
    lab.server.inject_when(Matcher::any().nth(2), Fault::RoundTrip(Duration::from_millis(300)));
    let request = lab.request_with(|request| request.overwrite = Overwrite::Fail);
    let mut in_the_way = |_: &Status| fs::write(lab.target(), "in the way").is_ok();
    let error = lab.client().download_with(&request, &mut in_the_way).expect_err("in the way");
    assert_eq!(error.code(), "FileAlreadyExists");
    fs::remove_file(lab.target()).expect("remove");
    lab.server.clear_faults();
}

#[test]
fn when_nothing_is_missing_a_head_asks_whether_the_object_is_still_the_same() {
    let lab = Lab::new(MIB);
    all_but_finished(&lab);
    let before = lab.server.requests().len();
    let outcome = lab.client().download(&lab.request()).expect("resume");
    lab.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_reused, MIB);
    let requests = lab.requests_after(before);
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].method, "HEAD");
    let etag = outcome.etag.expect("an ETag");
    assert_eq!(requests[0].header("If-Match"), Some(format!("\"{etag}\"").as_str()));
}

#[test]
fn a_proxy_s_page_in_reply_to_the_head_costs_no_byte() {
    for status in [200, 206] {
        let lab = Lab::new(MIB);
        all_but_finished(&lab);
        lab.server.inject_when(Matcher::any().head().times(1), Fault::Html(status));
        let outcome = lab.client().download(&lab.request()).expect("resume");
        lab.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_reused, MIB);
    }
}

#[test]
fn when_nothing_is_missing_of_another_object_everything_is_fetched() {
    for size in [MIB - 1, MIB, MIB + 1, 0] {
        let lab = Lab::new(MIB);
        all_but_finished(&lab);
        lab.server.put(BUCKET, KEY, Object::pattern(size, 8));
        let outcome = lab.client().download(&lab.request()).expect("start over");
        lab.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_reused, 0);
    }
}

#[test]
fn an_object_replaced_between_runs_is_downloaded_from_the_start() {
    // Of the first object 302,400 bytes are recorded.
    for size in [MIB, 2 * MIB, 700_000, 302_401, 302_400, 302_399, PART, 1, 0] {
        let lab = Lab::new(MIB);
        lab.interrupt(&lab.request(), 200_000);
        lab.server.put(BUCKET, KEY, Object::pattern(size, 8));
        let outcome = lab.client().download(&lab.request()).expect("start over");
        lab.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_reused, 0, "{size} bytes");
    }
}

#[test]
fn an_object_replaced_at_any_request_of_a_run_gives_the_new_object() {
    for resumed in [false, true] {
        for k in 1.. {
            let lab = Lab::new(3 * MIB);
            if resumed {
                lab.interrupt(&lab.request(), 200_000);
            }
            let rule = lab.server.inject_when(Matcher::any().nth(k), Fault::NewGeneration);
            let outcome = lab.client().download(&lab.request()).expect("the new object");
            if lab.server.fault_hits(rule) == 0 {
                assert!(k > 3, "only {k} requests");
                break;
            }
            lab.assert_whole(&outcome);
            // Not a byte of the old object is in it.
            assert!(outcome.statistics.bytes_from_network >= 3 * MIB, "request {k}");
        }
    }
}

#[test]
fn an_object_replaced_again_and_again_is_an_error_that_leaves_nothing_behind() {
    for with_checkpoint in [true, false] {
        let lab = Lab::new(2 * MIB);
        fs::write(lab.target(), "old").expect("write");
        lab.server.inject(Fault::NewGeneration);
        let request = lab.request_with(|request| {
            if !with_checkpoint {
                request.checkpoint = Checkpoint::Off;
            }
        });
        let error = lab.client().download(&request).expect_err("replaced");
        assert_eq!((error.kind(), error.code()), (ErrorKind::ObjectChanged, "ObjectChanged"));
        // Two starts, each of an opening request and one for each connection.
        assert!(lab.server.requests().len() <= 2 * 4, "it does not give up");
        assert_eq!(lab.files(), ["file.bin"]);
        assert_eq!(fs::read(lab.target()).expect("read"), b"old");
        lab.server.clear_faults();
        let outcome = lab.client().download(&request).expect("download");
        lab.assert_whole(&outcome);
    }
}

#[test]
fn without_a_checkpoint_a_failed_download_leaves_nothing_and_starts_over() {
    let lab = Lab::new(MIB);
    let request = lab.request_with(|request| request.checkpoint = Checkpoint::Off);
    lab.interrupt(&request, 200_000);
    assert!(lab.files().is_empty());
    finish(&lab, &request, 0);
}

#[test]
fn the_old_file_stays_until_the_new_one_is_whole() {
    let lab = Lab::new(2 * MIB);
    fs::write(lab.target(), "old").expect("write");
    lab.interrupt(&lab.request(), 200_000);
    assert_eq!(fs::read(lab.target()).expect("read"), b"old");

    lab.server.inject(Fault::RateLimit(2 * MIB));
    let mut seen = 0;
    let mut look = |status: &Status| {
        if status.bytes_done < 2 * MIB {
            assert_eq!(fs::read(lab.target()).expect("read"), b"old");
            seen += 1;
        }
        true
    };
    let outcome = lab.client().download_with(&lab.request(), &mut look).expect("resume");
    assert!(seen > 1);
    lab.assert_whole(&outcome);
}

#[test]
fn the_checkpoint_is_kept_where_the_request_says() {
    let lab = Lab::new(MIB);
    let elsewhere = tempfile::tempdir().expect("directory");
    let there = || fs::read_dir(elsewhere.path()).expect("list").count();
    let request = lab.request().checkpoint_dir(elsewhere.path());
    lab.interrupt(&request, 1);
    assert_eq!((lab.files(), there()), (vec!["file.bin.temp".to_owned()], 1));
    finish(&lab, &request, PART + 1);
    assert_eq!(there(), 0);

    fs::remove_file(lab.target()).expect("remove");
    let request = lab.request_with(|request| request.checkpoint = Checkpoint::BesideTarget);
    lab.interrupt(&request, 1);
    assert!(lab.journal().is_some());
    finish(&lab, &request, PART + 1);
}

#[test]
fn another_part_size_and_thread_num_make_use_of_the_same_checkpoint() {
    for (part_size, thread_num) in [(PART, 7), (150_001, 1), (16 * MIB, 3), (MIB, 64)] {
        let lab = Lab::new(2 * MIB);
        lab.interrupt(&lab.request(), 700_001);
        let request = lab.request().part_size(part_size).thread_num(thread_num);
        finish(&lab, &request, PART + 700_001);
    }
}
