//! Another process changes files and directories while a download runs, or between two runs.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use libc::{EISDIR, ENOENT};
use local_oss::{Fault, Matcher};
use oss_resumable::{DownloadRequest, Error, ErrorKind, Outcome, Status};

use crate::fixture::{Fixture, PART};

const SIZE: u64 = 4 * PART;
const OLD: &[u8] = b"the old file";

fn fixture() -> Fixture {
    let fixture = Fixture::new(SIZE);
    fs::write(fixture.target(), OLD).expect("the old file");
    fixture
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// Downloads, and calls `interfere` when the first part is in the temporary file; nothing more arrives before that.
pub fn download_with_interference(
    fixture: &Fixture,
    request: &DownloadRequest,
    interfere: impl FnOnce(),
) -> Result<Outcome, Error> {
    let give_up_at = Instant::now() + Duration::from_secs(30);
    fixture.server.inject_when(Matcher::any().from(2), Fault::StallAfter(0));
    let client =
        fixture.client_with(|options| options.idle_timeout = Some(Duration::from_millis(200)));
    let mut interfere = Some(interfere);
    let mut progress = |status: &Status| {
        assert!(Instant::now() < give_up_at, "the first part did not arrive");
        let began = status.bytes_done >= PART && length(&fixture.temp()) >= PART;
        if began && let Some(interfere) = interfere.take() {
            interfere();
            fixture.server.clear_faults();
        }
        true
    };
    let result = client.download_with(request, &mut progress);
    assert!(interfere.is_none(), "it ended before anybody could interfere: {result:?}");
    result
}

/// Asserts that the download failed with the old file in place and that the next one succeeds; returns how many bytes
/// that one reused.
fn fails(fixture: &Fixture, result: Result<Outcome, Error>, code: &str, errno: Option<i32>) -> u64 {
    let error = result.expect_err("must fail");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Io, code), "{error}");
    assert_eq!(error.errno(), errno, "{error}");
    assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);
    let outcome = fixture.client().download(&fixture.request()).expect("the right file");
    fixture.assert_whole(&outcome);
    outcome.statistics.bytes_reused
}

#[test]
fn a_temporary_file_that_was_removed_during_the_run_is_an_error() {
    let fixture = fixture();
    let remove = || fs::remove_file(fixture.temp()).expect("remove");
    let result = download_with_interference(&fixture, &fixture.request(), remove);
    assert_eq!(fails(&fixture, result, "RenameError", None), 0);
}

#[test]
fn a_temporary_file_that_was_replaced_during_the_run_never_becomes_the_target() {
    let fixture = fixture();
    let foreign = vec![0x5A; SIZE as usize];
    let replace = || {
        fs::write(fixture.dir().join("foreign"), &foreign).expect("write");
        fs::rename(fixture.dir().join("foreign"), fixture.temp()).expect("rename");
    };
    let result = download_with_interference(&fixture, &fixture.request(), replace);
    assert_eq!(fs::read(fixture.temp()).expect("the foreign file"), foreign);
    assert_eq!(fails(&fixture, result, "RenameError", None), 0);
}

#[test]
fn a_temporary_file_that_was_truncated_during_the_run_is_repaired() {
    // Later writes restore the file's length; the last truncation does not remove any block.
    for len in [0, 1, 4096, PART / 2, PART - 1] {
        for connections in [1, 3] {
            let fixture = fixture();
            let cut = || {
                let temp = OpenOptions::new().write(true).open(fixture.temp()).expect("open");
                temp.set_len(len).expect("cut");
            };
            let request = fixture.request().thread_num(connections);
            let outcome = download_with_interference(&fixture, &request, cut).expect("mended");
            fixture.assert_whole(&outcome);
            assert!(outcome.statistics.bytes_discarded >= PART, "nothing was missing");
        }
    }
}

#[test]
fn a_temporary_file_that_was_lengthened_during_the_run_gets_the_right_length() {
    let fixture = fixture();
    let lengthen = || {
        let temp = OpenOptions::new().write(true).open(fixture.temp()).expect("open");
        temp.set_len(10 * SIZE).expect("lengthen");
    };
    let outcome =
        download_with_interference(&fixture, &fixture.request(), lengthen).expect("the right file");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_discarded, 0);
}

#[test]
fn a_checkpoint_that_was_removed_during_the_run_costs_nothing() {
    let fixture = fixture();
    let remove = || fs::remove_file(fixture.journal().expect("a checkpoint")).expect("remove");
    let outcome =
        download_with_interference(&fixture, &fixture.request(), remove).expect("the right file");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_from_network, SIZE);
}

/// The fixture's request with a separate checkpoint directory.
fn with_checkpoints(fixture: &Fixture) -> (DownloadRequest, PathBuf) {
    let checkpoints = fixture.dir().join("checkpoints");
    fs::create_dir(&checkpoints).expect("directory");
    (fixture.request().checkpoint_dir(&checkpoints), checkpoints)
}

/// Creates the checkpoint directory again; the next run ends with the right file and reuses nothing.
fn assert_starts_over_with_a_new_directory(
    fixture: &Fixture,
    request: &DownloadRequest,
    checkpoints: &Path,
) {
    fs::create_dir(checkpoints).expect("directory");
    let outcome = fixture.client().download(request).expect("the right file");
    assert_eq!(outcome.statistics.bytes_reused, 0);
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["checkpoints", "file.bin"]);
}

#[test]
fn a_checkpoint_directory_that_disappears_during_the_run_costs_nothing() {
    let fixture = fixture();
    let (request, checkpoints) = with_checkpoints(&fixture);
    let remove = || fs::remove_dir_all(&checkpoints).expect("remove");
    let outcome = download_with_interference(&fixture, &request, remove).expect("the right file");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_from_network, SIZE);
}

#[test]
fn a_checkpoint_directory_that_disappears_during_a_run_that_fails_costs_the_bytes() {
    let fixture = fixture();
    let (request, checkpoints) = with_checkpoints(&fixture);
    fixture.server.inject_when(Matcher::any().from(2), Fault::StallAfter(0));
    let mut remove_and_cancel = |_: &Status| {
        let began = length(&fixture.temp()) >= PART;
        if began && checkpoints.exists() {
            fs::remove_dir_all(&checkpoints).expect("remove");
        }
        !began
    };
    let result = fixture.client().download_with(&request, &mut remove_and_cancel);
    assert_eq!(result.expect_err("cancelled").kind(), ErrorKind::Cancelled);
    fixture.server.clear_faults();
    assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);

    assert_starts_over_with_a_new_directory(&fixture, &request, &checkpoints);
}

#[test]
fn a_checkpoint_directory_that_disappears_between_two_runs_is_named_and_costs_the_bytes() {
    let fixture = fixture();
    let (request, checkpoints) = with_checkpoints(&fixture);
    fixture.interrupt(&request, 50_000);
    fs::remove_dir_all(&checkpoints).expect("remove");
    let error = fixture.client().download(&request).expect_err("no directory");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"));
    assert!(error.message().contains("checkpoint_dir"), "{error}");
    assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);

    assert_starts_over_with_a_new_directory(&fixture, &request, &checkpoints);
}

#[test]
fn a_target_that_became_a_directory_during_the_run_is_an_error_and_costs_nothing_later() {
    let fixture = fixture();
    let make = || {
        fs::remove_file(fixture.target()).expect("remove");
        fs::create_dir(fixture.target()).expect("directory");
        fs::write(fixture.target().join("inside"), OLD).expect("write");
    };
    let error =
        download_with_interference(&fixture, &fixture.request(), make).expect_err("a directory");
    assert_eq!((error.code(), error.errno()), ("RenameError", Some(EISDIR)), "{error}");
    assert_eq!(fs::read(fixture.target().join("inside")).expect("read"), OLD);
    fs::remove_dir_all(fixture.target()).expect("remove");
    let outcome = fixture.client().download(&fixture.request()).expect("resume");
    assert_eq!(outcome.statistics.bytes_reused, SIZE);
    fixture.assert_whole(&outcome);
}

#[test]
fn a_target_that_became_a_link_during_the_run_is_replaced_and_the_link_s_target_is_not() {
    let fixture = fixture();
    let elsewhere = tempfile::tempdir().expect("directory");
    let donor = elsewhere.path().join("donor");
    fs::write(&donor, OLD).expect("write");
    let link = || {
        fs::remove_file(fixture.target()).expect("remove");
        std::os::unix::fs::symlink(&donor, fixture.target()).expect("link");
    };
    let outcome =
        download_with_interference(&fixture, &fixture.request(), link).expect("the right file");
    fixture.assert_whole(&outcome);
    assert!(fs::symlink_metadata(fixture.target()).expect("stat").is_file());
    assert_eq!(fs::read(&donor).expect("donor"), OLD);
}

#[test]
fn a_target_directory_that_disappears_during_the_run_is_an_error() {
    let fixture = fixture();
    let directory = fixture.dir().join("gone");
    fs::create_dir(&directory).expect("directory");
    let request = fixture.request().file_path(directory.join("file.bin"));
    let give_up_at = Instant::now() + Duration::from_secs(30);
    fixture.server.inject_when(Matcher::any().from(2), Fault::StallAfter(0));
    let mut remove = |status: &Status| {
        assert!(Instant::now() < give_up_at);
        if status.bytes_done >= PART && directory.exists() {
            fs::remove_dir_all(&directory).expect("remove");
            fixture.server.clear_faults();
        }
        true
    };
    let error = fixture.client().download_with(&request, &mut remove).expect_err("gone");
    assert!(matches!(error.code(), "LocalIoError" | "RenameError"), "{error}");
    assert!(matches!(error.errno(), Some(ENOENT) | None), "{error}");
    assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);
}
