//! Targets that are symbolic links: the link stays, and the file that it names is made or replaced.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use local_oss::Fault;
use oss_resumable::{DownloadRequest, Error, ErrorKind, Overwrite};

use crate::lab::{BUCKET, KEY, Lab, MIB, PART, wait_for_progress};

const SIZE: u64 = 2 * PART;
const SECOND: u64 = 50_000;
const OLD: &[u8] = b"the old file";
const NOBODY: u32 = 65534;

/// A lab, and another directory, where the files are that links lead to.
fn lab() -> (Lab, tempfile::TempDir, PathBuf) {
    let elsewhere = tempfile::tempdir().expect("directory");
    let path = elsewhere.path().canonicalize().expect("path");
    (Lab::new(SIZE), elsewhere, path)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("list");
    let mut names: Vec<_> =
        entries.map(|e| e.expect("entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

fn assert_object(lab: &Lab, path: &Path) {
    let expected = lab.server.object_bytes(BUCKET, KEY, 0..SIZE).expect("object");
    assert!(fs::symlink_metadata(path).expect("the file").is_file(), "{}", path.display());
    assert!(fs::read(path).expect("the file") == expected, "{}", path.display());
}

fn refused(lab: &Lab, request: &DownloadRequest, why: &str) -> Error {
    let error = lab.client().download(request).expect_err("refused");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"), "{error}");
    assert!(error.message().contains(why), "{why}: {error}");
    assert!(lab.server.requests().is_empty());
    error
}

#[test]
fn a_link_to_a_file_stays_a_link_and_the_file_is_replaced_by_a_temporary_file_beside_it() {
    let (lab, _elsewhere, there) = lab();
    let model = there.join("model.bin");
    fs::write(&model, OLD).expect("write");
    symlink(&model, lab.target()).expect("link");
    lab.interrupt(&lab.request(), SECOND);
    assert_eq!(fs::read(&model).expect("the old file"), OLD);
    assert!(names(&there).len() == 2 && names(&there)[1].ends_with(".temp"), "{:?}", names(&there));
    assert!(lab.files().iter().all(|name| !name.ends_with(".temp")), "{:?}", lab.files());

    let outcome = lab.client().download(&lab.request()).expect("resume");
    assert_eq!(outcome.statistics.bytes_reused, PART + SECOND);
    assert_eq!(outcome.file_path, model);
    assert_eq!(fs::read_link(lab.target()).expect("link"), model);
    assert_object(&lab, &model);
    assert_eq!(lab.files(), ["file.bin"]);
    assert_eq!(names(&there), ["model.bin"]);
}

#[test]
fn a_link_to_a_name_in_a_directory_makes_the_file_there() {
    let (lab, _elsewhere, there) = lab();
    let below = lab.dir().join("below");
    fs::create_dir(&below).expect("directory");
    // A chain, absolute and relative, whose last name is free.
    symlink("below/next", lab.target()).expect("link");
    symlink(there.join("last"), below.join("next")).expect("link");
    symlink("model.bin", there.join("last")).expect("link");
    for _ in 0..2 {
        lab.client().download(&lab.request()).expect("download");
        assert_object(&lab, &there.join("model.bin"));
        assert_eq!(names(&there), ["last", "model.bin"]);
        assert_eq!(names(&below), ["next"]);
        assert_eq!(lab.files(), ["below", "file.bin"]);
    }
    assert_eq!(fs::read_link(there.join("last")).expect("link"), Path::new("model.bin"));
}

#[test]
fn a_link_that_leads_to_no_file_is_refused_before_anything_is_sent() {
    let (lab, _elsewhere, there) = lab();
    fs::create_dir(there.join("dir")).expect("directory");
    for (text, why) in [
        (lab.target(), "in a circle"),
        (there.join("dir"), "not a regular file"),
        (there.join("dir/"), "not a regular file"),
        (there.join("none/file"), "does not exist"),
    ] {
        symlink(&text, lab.target()).expect("link");
        refused(&lab, &lab.request(), why);
        assert_eq!(fs::read_link(lab.target()).expect("link"), text);
        fs::remove_file(lab.target()).expect("remove");
    }
    assert_eq!(names(&there), ["dir"]);
}

#[test]
fn a_link_that_anybody_may_have_put_there_is_refused() {
    let (lab, _elsewhere, there) = lab();
    let model = there.join("model.bin");
    fs::write(&model, OLD).expect("write");
    symlink(&model, lab.target()).expect("link");
    lchown(lab.target(), Some(NOBODY), Some(NOBODY)).expect("this test needs root");
    fs::set_permissions(lab.dir(), fs::Permissions::from_mode(0o1777)).expect("permissions");
    let error = refused(&lab, &lab.request(), "belongs to another user");
    assert!(error.message().contains("file.bin"), "{error}");
    assert_eq!(fs::read(&model).expect("the old file"), OLD);

    // The directory's owner may put links there, and so may who follows them.
    let dir = lab.dir().to_owned();
    for (link, directory) in [(NOBODY, NOBODY), (0, NOBODY)] {
        lchown(lab.target(), Some(link), Some(link)).expect("owner");
        lchown(&dir, Some(directory), Some(directory)).expect("owner");
        lab.client().download(&lab.request()).expect("download");
        assert_object(&lab, &model);
    }
}

#[test]
fn two_spellings_of_one_file_are_one_download() {
    let (lab, _elsewhere, there) = lab();
    let model = there.join("model.bin");
    symlink(&model, lab.target()).expect("link");
    // What one spelling left the other goes on from.
    lab.interrupt(&lab.request(), SECOND);
    let outcome = lab.client().download(&lab.request().file_path(&model)).expect("resume");
    assert_eq!(outcome.statistics.bytes_reused, PART + SECOND);
    assert_object(&lab, &model);

    // While one runs the other is busy, wherever its checkpoint is.
    lab.server.inject(Fault::RateLimit(MIB / 4));
    let running = lab.client().start(&lab.request()).expect("start");
    wait_for_progress(&running, 1);
    for request in
        [lab.request().file_path(&model), lab.request().file_path(&model).checkpoint_dir(&there)]
    {
        let error = lab.client().download(&request).expect_err("busy");
        assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    }
    running.wait(None).expect("its end").expect("download");
    assert_object(&lab, &model);
    assert_eq!(names(&there), ["model.bin"]);
}

#[test]
fn a_link_that_is_turned_during_the_run_changes_nothing_until_the_next_one() {
    let (lab, _elsewhere, there) = lab();
    symlink(there.join("first"), lab.target()).expect("link");
    let turn = |_: &oss_resumable::Status| {
        if fs::read_link(lab.target()).expect("link") == there.join("first") {
            fs::remove_file(lab.target()).expect("remove");
            symlink(there.join("second"), lab.target()).expect("link");
        }
        true
    };
    lab.client().download_with(&lab.request(), &mut { turn }).expect("download");
    assert_object(&lab, &there.join("first"));
    assert_eq!(names(&there), ["first"]);
    lab.client().download(&lab.request()).expect("download");
    assert_object(&lab, &there.join("second"));
}

#[test]
fn a_target_that_must_not_be_replaced_is_the_file_that_the_link_names() {
    let (lab, _elsewhere, there) = lab();
    let model = there.join("model.bin");
    fs::write(&model, OLD).expect("write");
    symlink(&model, lab.target()).expect("link");
    let request = lab.request_with(|request| request.overwrite = Overwrite::Fail);
    let error = lab.client().download(&request).expect_err("it exists");
    assert_eq!(error.code(), "FileAlreadyExists");
    assert_eq!(error.path(), Some(&*model));
    assert_eq!(fs::read(&model).expect("the old file"), OLD);
    fs::remove_file(&model).expect("remove");
    lab.client().download(&request).expect("download");
    assert_object(&lab, &model);
    assert_eq!(fs::read_link(lab.target()).expect("link"), model);
}
