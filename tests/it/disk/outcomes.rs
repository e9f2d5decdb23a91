//! The effect of each disk failure: some end the download for good, some cost bytes, some cost nothing.

use std::fs;

use libc::{EINVAL, EIO, EMFILE, ENOSPC};
use local_oss::{Fault, Matcher};

use super::child::End;
use super::shim::{self, ALWAYS, Call, Failing, How};
use crate::fixture::{Fixture, MIB, PART};

const SIZE: u64 = 3 * PART;
const OLD: &[u8] = b"the old file";

fn with_old_file(size: u64) -> Fixture {
    let fixture = Fixture::new(size);
    fs::write(fixture.target(), OLD).expect("the old file");
    fixture
}

fn assert_old_file(fixture: &Fixture) {
    assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);
}

/// Downloads without faults; returns how many bytes of an earlier run it reused.
fn finish(fixture: &Fixture) -> u64 {
    let outcome = fixture.client().download(&fixture.request()).expect("the right file");
    fixture.assert_whole(&outcome);
    outcome.statistics.bytes_reused
}

fn kinds_on<'a>(calls: &'a [Call], name: &str) -> Vec<&'a str> {
    let on_file = calls.iter().filter(|call| call.path.contains(name));
    on_file.map(|call| call.kind.as_str()).collect()
}

#[test]
fn a_disk_that_is_full_from_any_write_on_keeps_the_written_bytes_for_the_next_run() {
    const LARGE: u64 = 3 * MIB;
    let mut last = 0;
    for nth in 1.. {
        let fixture = with_old_file(LARGE);
        let failing =
            Failing { call: "write", path: ".temp", nth, times: ALWAYS, how: How::Errno(ENOSPC) };
        let (end, calls) = shim::run(&fixture, "no-flush", Some(failing));
        if !calls.iter().any(|call| call.failed) {
            assert_eq!(end, End::Saved { reused: 0, fetched: LARGE });
            break;
        }
        assert_eq!(end, End::failed("DiskFull", ENOSPC), "write {nth}");
        assert_old_file(&fixture);
        let reused = finish(&fixture);
        assert!(if nth == 1 { reused == 0 } else { reused > last }, "write {nth}: {reused}");
        last = reused;
    }
    // Only the last write was missing.
    assert!(last >= LARGE - MIB, "{last} bytes");
}

#[test]
fn a_checkpoint_that_can_no_longer_be_written_costs_the_checkpoint_and_not_the_file() {
    for nth in 2..4 {
        let fixture = with_old_file(SIZE);
        // The first write is the header's.
        let how = How::Errno(ENOSPC);
        let failing = Failing { call: "write", path: ".oss-resumable", nth, times: ALWAYS, how };
        let (end, calls) = shim::run(&fixture, "", Some(failing));
        assert_eq!(end, End::Saved { reused: 0, fetched: SIZE });
        assert!(calls.iter().any(|call| call.failed));
        fixture.assert_range(0..SIZE);
        assert_eq!(fixture.files(), ["file.bin"]);
    }
}

#[test]
fn a_checkpoint_that_cannot_be_started_is_a_full_disk_and_leaves_nothing() {
    let fixture = with_old_file(SIZE);
    let how = How::Errno(ENOSPC);
    let failing = Failing { call: "write", path: ".new", nth: 1, times: ALWAYS, how };
    let (end, _) = shim::run(&fixture, "", Some(failing));
    assert_eq!(end, End::failed("DiskFull", ENOSPC));
    assert_old_file(&fixture);
    assert_eq!(fixture.files(), ["file.bin"]);
    assert_eq!(finish(&fixture), 0);
}

/// A `call` on the temporary file that fails once ends the download, and the written bytes are not used again.
fn is_final(call: &str) {
    let fixture = with_old_file(SIZE);
    let how = How::Errno(EIO);
    let (end, calls) =
        shim::run(&fixture, "", Some(Failing { call, path: ".temp", nth: 1, times: 1, how }));
    assert_eq!(end, End::failed("FlushError", EIO));
    let at = calls.iter().position(|call| call.failed).expect("a failed call");
    let after = kinds_on(&calls[at + 1..], ".temp");
    assert!(!after.iter().any(|kind| kind.starts_with("rename") || *kind == "sync"), "{after:?}");
    assert_old_file(&fixture);
    assert_eq!(fixture.files(), ["file.bin"]);
    assert_eq!(finish(&fixture), 0);
}

#[test]
fn a_failed_flush_is_final_and_not_retried() {
    is_final("sync");
}

#[test]
fn an_error_of_the_close_is_a_failed_flush_too() {
    is_final("close");
}

#[test]
fn a_process_out_of_descriptors_at_the_end_fetches_nothing_again() {
    // Before the rename: a second descriptor for the file, one for its directory.
    let fixture = with_old_file(SIZE);
    let path = fixture.dir().to_str().expect("UTF-8");
    let (_, calls) = shim::run(&fixture, "", None);
    let opened = calls.iter().filter(|call| call.kind == "open").count();
    for (call, nth) in [("dup", 1), ("open", opened)] {
        fs::write(fixture.target(), OLD).expect("the old file");
        let failing = Failing { call, path, nth, times: 1, how: How::Errno(EMFILE) };
        let (end, _) = shim::run(&fixture, "", Some(failing));
        assert_eq!(end, End::failed("LocalIoError", EMFILE), "{call}");
        assert_old_file(&fixture);
        assert_eq!(finish(&fixture), SIZE, "{call}");
    }
}

#[test]
fn a_directory_that_cannot_be_flushed_is_an_error_that_leaves_the_new_file() {
    let fixture = with_old_file(SIZE);
    let path = fixture.dir().to_str().expect("UTF-8");
    // Without a checkpoint: the file's flush, then the directory's.
    let failing = Failing { call: "sync", path, nth: 2, times: 1, how: How::Errno(EIO) };
    let (end, calls) = shim::run(&fixture, "no-checkpoint", Some(failing));
    assert_eq!(end, End::failed("FlushError", EIO));
    assert_eq!(calls.iter().find(|call| call.failed).expect("a failed call").path, path);
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn a_rewritten_checkpoint_whose_directory_cannot_be_flushed_is_given_up_and_not_left_behind() {
    let fixture = with_old_file(SIZE);
    // The checkpoint is written anew when the service has refused the ETag that it sends.
    fixture.server.inject(Fault::EtagSuffix("-gzip".to_owned()));
    let path = fixture.dir().to_str().expect("UTF-8");
    // The flushes of the checkpoint and of its directory, twice each.
    let failing = Failing { call: "sync", path, nth: 4, times: 1, how: How::Errno(EIO) };
    let (end, calls) = shim::run(&fixture, "", Some(failing));
    assert_eq!(calls.iter().find(|call| call.failed).expect("a failed call").path, path);
    assert_eq!(end, End::Saved { reused: 0, fetched: SIZE });
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn recorded_bytes_that_the_disk_cannot_read_are_fetched_again_and_no_others() {
    const SECOND: u64 = 50_000;
    for (nth, reused) in [(1, SECOND), (2, PART)] {
        let fixture = with_old_file(SIZE);
        fixture.interrupt(&fixture.request(), SECOND);
        let failing = Failing { call: "read", path: ".temp", nth, times: 1, how: How::Errno(EIO) };
        let (end, calls) = shim::run(&fixture, "", Some(failing));
        assert!(calls.iter().any(|call| call.failed));
        assert_eq!(end, End::Saved { reused, fetched: SIZE - reused });
        fixture.assert_range(0..SIZE);
    }
}

#[test]
fn a_checkpoint_that_the_disk_cannot_read_is_ignored() {
    let fixture = with_old_file(SIZE);
    fixture.interrupt(&fixture.request(), 50_000);
    let how = How::Errno(EIO);
    let failing = Failing { call: "read", path: ".oss-resumable", nth: 1, times: 1, how };
    let (end, _) = shim::run(&fixture, "", Some(failing));
    assert_eq!(end, End::Saved { reused: 0, fetched: SIZE });
    fixture.assert_range(0..SIZE);
}

#[test]
fn a_write_that_the_disk_lost_is_found_by_the_next_run_and_fetched_again() {
    let fixture = with_old_file(SIZE);
    fixture.server.inject_when(Matcher::any().nth(2), Fault::CloseAfter(50_000));
    let failing = Failing { call: "write", path: ".temp", nth: 1, times: 1, how: How::Lost };
    let (end, _) = shim::run(&fixture, "", Some(failing));
    assert!(matches!(end, End::Failed { .. }), "{end:?}");
    fixture.server.clear_faults();
    assert_old_file(&fixture);
    assert_eq!(finish(&fixture), 50_000);
}

#[test]
fn a_write_that_the_disk_lost_is_found_by_verify_before_rename() {
    for nth in [1, 2] {
        let fixture = with_old_file(SIZE);
        let failing = Failing { call: "write", path: ".temp", nth, times: 1, how: How::Lost };
        let (end, _) = shim::run(&fixture, "verify", Some(failing));
        let End::Saved { reused: 0, fetched } = end else { panic!("{end:?}") };
        assert!(fetched > SIZE, "nothing was fetched again");
        fixture.assert_range(0..SIZE);
    }
}

#[test]
fn a_disk_that_loses_every_write_is_named_in_the_error() {
    let fixture = with_old_file(SIZE);
    let failing = Failing { call: "write", path: ".temp", nth: 1, times: ALWAYS, how: How::Lost };
    let (end, _) = shim::run(&fixture, "verify", Some(failing));
    assert_eq!(end, End::failed("DiskCorruption", 0));
    assert_old_file(&fixture);
    assert_eq!(fixture.files(), ["file.bin"]);
    assert_eq!(finish(&fixture), 0);
}

#[test]
fn without_renameat2_and_hard_links_an_existing_target_is_still_not_replaced() {
    let fixture = Fixture::new(SIZE);
    let how = How::Errno(EINVAL);
    let failing =
        Failing { call: "rename-new,link", path: "file.bin.temp ->", nth: 1, times: ALWAYS, how };
    let (end, calls) = shim::run(&fixture, "spare-target", Some(failing));
    assert_eq!(end, End::Saved { reused: 0, fetched: SIZE });
    let kinds: Vec<_> = calls.iter().map(|call| call.kind.as_str()).collect();
    assert_eq!(kinds, ["rename-new", "link", "rename"]);
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
}
