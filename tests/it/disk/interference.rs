//! Files and directories that somebody else changes while a download runs, or between two runs.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use libc::{EISDIR, ENOENT};
use local_oss::{Fault, Matcher};
use oss_resumable::{DownloadRequest, Error, ErrorKind, Outcome, Status};

use crate::lab::{Lab, PART};

const SIZE: u64 = 4 * PART;
const OLD: &[u8] = b"the old file";

fn lab() -> Lab {
    let lab = Lab::new(SIZE);
    fs::write(lab.target(), OLD).expect("the old file");
    lab
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// Downloads, and calls `meddle` when the first part is in the temporary file; nothing more comes before that.
fn meddled(lab: &Lab, request: &DownloadRequest, meddle: impl FnOnce()) -> Result<Outcome, Error> {
    let give_up_at = Instant::now() + Duration::from_secs(30);
    lab.server.inject_when(Matcher::any().from(2), Fault::StallAfter(0));
    let client = lab.client_with(|options| options.idle_timeout = Some(Duration::from_millis(200)));
    let mut meddle = Some(meddle);
    let mut progress = |status: &Status| {
        assert!(Instant::now() < give_up_at, "the first part never came");
        let began = status.bytes_done >= PART && length(&lab.temp()) >= PART;
        if began && let Some(meddle) = meddle.take() {
            meddle();
            lab.server.clear_faults();
        }
        true
    };
    let result = client.download_with(request, &mut progress);
    assert!(meddle.is_none(), "it ended before anybody could meddle: {result:?}");
    result
}

/// Asserts that the download failed with the old file in place, and that the next one works; what it reused.
fn fails(lab: &Lab, result: Result<Outcome, Error>, code: &str, errno: Option<i32>) -> u64 {
    let error = result.expect_err("must fail");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Io, code), "{error}");
    assert_eq!(error.errno(), errno, "{error}");
    assert_eq!(fs::read(lab.target()).expect("the old file"), OLD);
    let outcome = lab.client().download(&lab.request()).expect("the right file");
    lab.assert_whole(&outcome);
    outcome.statistics.bytes_reused
}

#[test]
fn a_temporary_file_that_was_removed_during_the_run_is_an_error() {
    let lab = lab();
    let remove = || fs::remove_file(lab.temp()).expect("remove");
    let result = meddled(&lab, &lab.request(), remove);
    assert_eq!(fails(&lab, result, "RenameError", None), 0);
}

#[test]
fn a_temporary_file_that_was_replaced_during_the_run_never_becomes_the_target() {
    let lab = lab();
    let foreign = vec![0x5A; SIZE as usize];
    let replace = || {
        fs::write(lab.dir().join("foreign"), &foreign).expect("write");
        fs::rename(lab.dir().join("foreign"), lab.temp()).expect("rename");
    };
    let result = meddled(&lab, &lab.request(), replace);
    assert_eq!(fs::read(lab.temp()).expect("the foreign file"), foreign);
    assert_eq!(fails(&lab, result, "RenameError", None), 0);
}

#[test]
fn a_temporary_file_that_was_cut_during_the_run_is_mended() {
    // What comes later makes the file as long again as it was; the last cut leaves every block in its place.
    for len in [0, 1, 4096, PART / 2, PART - 1] {
        for connections in [1, 3] {
            let lab = lab();
            let cut = || {
                let temp = OpenOptions::new().write(true).open(lab.temp()).expect("open");
                temp.set_len(len).expect("cut");
            };
            let request = lab.request().thread_num(connections);
            let outcome = meddled(&lab, &request, cut).expect("mended");
            lab.assert_whole(&outcome);
            assert!(outcome.statistics.bytes_discarded >= PART, "nothing was missing");
        }
    }
}

#[test]
fn a_temporary_file_that_was_lengthened_during_the_run_has_the_right_length_in_the_end() {
    let lab = lab();
    let lengthen = || {
        let temp = OpenOptions::new().write(true).open(lab.temp()).expect("open");
        temp.set_len(10 * SIZE).expect("lengthen");
    };
    let outcome = meddled(&lab, &lab.request(), lengthen).expect("the right file");
    lab.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_discarded, 0);
}

#[test]
fn a_checkpoint_that_was_removed_during_the_run_costs_nothing() {
    let lab = lab();
    let remove = || fs::remove_file(lab.journal().expect("a checkpoint")).expect("remove");
    let outcome = meddled(&lab, &lab.request(), remove).expect("the right file");
    lab.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_from_network, SIZE);
}

/// The lab's request with a checkpoint directory of its own.
fn with_checkpoints(lab: &Lab) -> (DownloadRequest, PathBuf) {
    let checkpoints = lab.dir().join("checkpoints");
    fs::create_dir(&checkpoints).expect("directory");
    (lab.request().checkpoint_dir(&checkpoints), checkpoints)
}

/// Makes the checkpoint directory again; the next run ends right and reuses nothing.
fn assert_starts_over_with_a_new_directory(
    lab: &Lab,
    request: &DownloadRequest,
    checkpoints: &Path,
) {
    fs::create_dir(checkpoints).expect("directory");
    let outcome = lab.client().download(request).expect("the right file");
    assert_eq!(outcome.statistics.bytes_reused, 0);
    lab.assert_range(0..SIZE);
    assert_eq!(lab.files(), ["checkpoints", "file.bin"]);
}

#[test]
fn a_checkpoint_directory_that_disappears_during_the_run_costs_nothing() {
    let lab = lab();
    let (request, checkpoints) = with_checkpoints(&lab);
    let remove = || fs::remove_dir_all(&checkpoints).expect("remove");
    let outcome = meddled(&lab, &request, remove).expect("the right file");
    lab.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_from_network, SIZE);
}

#[test]
fn a_checkpoint_directory_that_disappears_during_a_run_that_fails_costs_the_bytes() {
    let lab = lab();
    let (request, checkpoints) = with_checkpoints(&lab);
    lab.server.inject_when(Matcher::any().from(2), Fault::StallAfter(0));
    let mut remove_and_cancel = |_: &Status| {
        let began = length(&lab.temp()) >= PART;
        if began && checkpoints.exists() {
            fs::remove_dir_all(&checkpoints).expect("remove");
        }
        !began
    };
    let result = lab.client().download_with(&request, &mut remove_and_cancel);
    assert_eq!(result.expect_err("cancelled").kind(), ErrorKind::Cancelled);
    lab.server.clear_faults();
    assert_eq!(fs::read(lab.target()).expect("the old file"), OLD);

    assert_starts_over_with_a_new_directory(&lab, &request, &checkpoints);
}

#[test]
fn a_checkpoint_directory_that_disappears_between_two_runs_is_named_and_costs_the_bytes() {
    let lab = lab();
    let (request, checkpoints) = with_checkpoints(&lab);
    lab.interrupt(&request, 50_000);
    fs::remove_dir_all(&checkpoints).expect("remove");
    let error = lab.client().download(&request).expect_err("no directory");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"));
    assert!(error.message().contains("checkpoint_dir"), "{error}");
    assert_eq!(fs::read(lab.target()).expect("the old file"), OLD);

    assert_starts_over_with_a_new_directory(&lab, &request, &checkpoints);
}

#[test]
fn a_target_that_became_a_directory_during_the_run_is_an_error_and_costs_nothing_later() {
    let lab = lab();
    let make = || {
        fs::remove_file(lab.target()).expect("remove");
        fs::create_dir(lab.target()).expect("directory");
        fs::write(lab.target().join("inside"), OLD).expect("write");
    };
    let error = meddled(&lab, &lab.request(), make).expect_err("a directory");
    assert_eq!((error.code(), error.errno()), ("RenameError", Some(EISDIR)), "{error}");
    assert_eq!(fs::read(lab.target().join("inside")).expect("read"), OLD);
    fs::remove_dir_all(lab.target()).expect("remove");
    let outcome = lab.client().download(&lab.request()).expect("resume");
    assert_eq!(outcome.statistics.bytes_reused, SIZE);
    lab.assert_whole(&outcome);
}

#[test]
fn a_target_that_became_a_link_during_the_run_is_replaced_and_what_it_leads_to_is_not() {
    let lab = lab();
    let elsewhere = tempfile::tempdir().expect("directory");
    let donor = elsewhere.path().join("donor");
    fs::write(&donor, OLD).expect("write");
    let link = || {
        fs::remove_file(lab.target()).expect("remove");
        std::os::unix::fs::symlink(&donor, lab.target()).expect("link");
    };
    let outcome = meddled(&lab, &lab.request(), link).expect("the right file");
    lab.assert_whole(&outcome);
    assert!(fs::symlink_metadata(lab.target()).expect("stat").is_file());
    assert_eq!(fs::read(&donor).expect("donor"), OLD);
}

#[test]
fn a_target_directory_that_disappears_during_the_run_is_an_error() {
    let lab = lab();
    let directory = lab.dir().join("gone");
    fs::create_dir(&directory).expect("directory");
    let request = lab.request().file_path(directory.join("file.bin"));
    let give_up_at = Instant::now() + Duration::from_secs(30);
    lab.server.inject_when(Matcher::any().from(2), Fault::StallAfter(0));
    let mut remove = |status: &Status| {
        assert!(Instant::now() < give_up_at);
        if status.bytes_done >= PART && directory.exists() {
            fs::remove_dir_all(&directory).expect("remove");
            lab.server.clear_faults();
        }
        true
    };
    let error = lab.client().download_with(&request, &mut remove).expect_err("gone");
    assert!(matches!(error.code(), "LocalIoError" | "RenameError"), "{error}");
    assert!(matches!(error.errno(), Some(ENOENT) | None), "{error}");
    assert_eq!(fs::read(lab.target()).expect("the old file"), OLD);
}
