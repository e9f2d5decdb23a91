//! Targets that are symbolic links: the link stays, and the file that it names is created or replaced.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use local_oss::Fault;
use oss_resumable::{DownloadRequest, Error, ErrorKind, Overwrite};

use crate::fixture::{BUCKET, Fixture, KEY, MIB, PART, wait_for_progress};

const SIZE: u64 = 2 * PART;
const SECOND: u64 = 50_000;
const OLD: &[u8] = b"the old file";
const NOBODY: u32 = 65534;

/// A fixture, and another directory for the files that links lead to.
fn fixture() -> (Fixture, tempfile::TempDir, PathBuf) {
    let elsewhere = tempfile::tempdir().expect("directory");
    let path = elsewhere.path().canonicalize().expect("path");
    (Fixture::new(SIZE), elsewhere, path)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("list");
    let mut names: Vec<_> =
        entries.map(|e| e.expect("entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

fn assert_object(fixture: &Fixture, path: &Path) {
    let expected = fixture.server.object_bytes(BUCKET, KEY, 0..SIZE).expect("object");
    assert!(fs::symlink_metadata(path).expect("the file").is_file(), "{}", path.display());
    assert!(fs::read(path).expect("the file") == expected, "{}", path.display());
}

fn refused(fixture: &Fixture, request: &DownloadRequest, why: &str) -> Error {
    let error = fixture.client().download(request).expect_err("refused");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"), "{error}");
    assert!(error.message().contains(why), "{why}: {error}");
    assert!(fixture.server.requests().is_empty());
    error
}

#[test]
fn a_link_to_a_file_stays_a_link_and_the_file_is_replaced_by_a_temporary_file_beside_it() {
    let (fixture, _elsewhere, there) = fixture();
    let model = there.join("model.bin");
    fs::write(&model, OLD).expect("write");
    symlink(&model, fixture.target()).expect("link");
    fixture.interrupt(&fixture.request(), SECOND);
    assert_eq!(fs::read(&model).expect("the old file"), OLD);
    assert!(names(&there).len() == 2 && names(&there)[1].ends_with(".temp"), "{:?}", names(&there));
    assert!(fixture.files().iter().all(|name| !name.ends_with(".temp")), "{:?}", fixture.files());

    let outcome = fixture.client().download(&fixture.request()).expect("resume");
    assert_eq!(outcome.statistics.bytes_reused, PART + SECOND);
    assert_eq!(outcome.file_path, model);
    assert_eq!(fs::read_link(fixture.target()).expect("link"), model);
    assert_object(&fixture, &model);
    assert_eq!(fixture.files(), ["file.bin"]);
    assert_eq!(names(&there), ["model.bin"]);
}

#[test]
fn a_link_to_a_name_in_a_directory_creates_the_file_there() {
    let (fixture, _elsewhere, there) = fixture();
    let below = fixture.dir().join("below");
    fs::create_dir(&below).expect("directory");
    // A chain of an absolute and a relative link to a name that does not exist.
    symlink("below/next", fixture.target()).expect("link");
    symlink(there.join("last"), below.join("next")).expect("link");
    symlink("model.bin", there.join("last")).expect("link");
    for _ in 0..2 {
        fixture.client().download(&fixture.request()).expect("download");
        assert_object(&fixture, &there.join("model.bin"));
        assert_eq!(names(&there), ["last", "model.bin"]);
        assert_eq!(names(&below), ["next"]);
        assert_eq!(fixture.files(), ["below", "file.bin"]);
    }
    assert_eq!(fs::read_link(there.join("last")).expect("link"), Path::new("model.bin"));
}

#[test]
fn a_link_that_does_not_lead_to_a_file_is_refused_before_anything_is_sent() {
    let (fixture, _elsewhere, there) = fixture();
    fs::create_dir(there.join("dir")).expect("directory");
    for (text, why) in [
        (fixture.target(), "a loop"),
        (there.join("dir"), "not a regular file"),
        (there.join("dir/"), "not a regular file"),
        (there.join("none/file"), "does not exist"),
    ] {
        symlink(&text, fixture.target()).expect("link");
        refused(&fixture, &fixture.request(), why);
        assert_eq!(fs::read_link(fixture.target()).expect("link"), text);
        fs::remove_file(fixture.target()).expect("remove");
    }
    assert_eq!(names(&there), ["dir"]);
}

#[test]
fn a_link_that_another_user_may_have_created_is_refused() {
    let (fixture, _elsewhere, there) = fixture();
    let model = there.join("model.bin");
    fs::write(&model, OLD).expect("write");
    symlink(&model, fixture.target()).expect("link");
    lchown(fixture.target(), Some(NOBODY), Some(NOBODY)).expect("this test needs root");
    fs::set_permissions(fixture.dir(), fs::Permissions::from_mode(0o1777)).expect("permissions");
    let error = refused(&fixture, &fixture.request(), "belongs to another user");
    assert!(error.message().contains("file.bin"), "{error}");
    assert_eq!(fs::read(&model).expect("the old file"), OLD);

    // The directory's owner may create links there, and so may the user who follows them.
    let dir = fixture.dir().to_owned();
    for (link, directory) in [(NOBODY, NOBODY), (0, NOBODY)] {
        lchown(fixture.target(), Some(link), Some(link)).expect("owner");
        lchown(&dir, Some(directory), Some(directory)).expect("owner");
        fixture.client().download(&fixture.request()).expect("download");
        assert_object(&fixture, &model);
    }
}

#[test]
fn two_spellings_of_one_file_are_one_download() {
    let (fixture, _elsewhere, there) = fixture();
    let model = there.join("model.bin");
    symlink(&model, fixture.target()).expect("link");
    // A run with one spelling resumes what a run with the other left.
    fixture.interrupt(&fixture.request(), SECOND);
    let outcome = fixture.client().download(&fixture.request().file_path(&model)).expect("resume");
    assert_eq!(outcome.statistics.bytes_reused, PART + SECOND);
    assert_object(&fixture, &model);

    // While one runs the other is busy, wherever its checkpoint is.
    fixture.server.inject(Fault::RateLimit(MIB / 4));
    let running = fixture.client().start(&fixture.request()).expect("start");
    wait_for_progress(&running, 1);
    for request in [
        fixture.request().file_path(&model),
        fixture.request().file_path(&model).checkpoint_dir(&there),
    ] {
        let error = fixture.client().download(&request).expect_err("busy");
        assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    }
    running.wait(None).expect("its end").expect("download");
    assert_object(&fixture, &model);
    assert_eq!(names(&there), ["model.bin"]);
}

#[test]
fn a_link_that_is_changed_during_the_run_affects_only_the_next_one() {
    let (fixture, _elsewhere, there) = fixture();
    symlink(there.join("first"), fixture.target()).expect("link");
    let turn = |_: &oss_resumable::Status| {
        if fs::read_link(fixture.target()).expect("link") == there.join("first") {
            fs::remove_file(fixture.target()).expect("remove");
            symlink(there.join("second"), fixture.target()).expect("link");
        }
        true
    };
    fixture.client().download_with(&fixture.request(), &mut { turn }).expect("download");
    assert_object(&fixture, &there.join("first"));
    assert_eq!(names(&there), ["first"]);
    fixture.client().download(&fixture.request()).expect("download");
    assert_object(&fixture, &there.join("second"));
}

#[test]
fn a_target_that_must_not_be_replaced_is_the_file_that_the_link_names() {
    let (fixture, _elsewhere, there) = fixture();
    let model = there.join("model.bin");
    fs::write(&model, OLD).expect("write");
    symlink(&model, fixture.target()).expect("link");
    let request = fixture.request_with(|request| request.overwrite = Overwrite::Fail);
    let error = fixture.client().download(&request).expect_err("it exists");
    assert_eq!(error.code(), "FileAlreadyExists");
    assert_eq!(error.path(), Some(&*model));
    assert_eq!(fs::read(&model).expect("the old file"), OLD);
    fs::remove_file(&model).expect("remove");
    fixture.client().download(&request).expect("download");
    assert_object(&fixture, &model);
    assert_eq!(fs::read_link(fixture.target()).expect("link"), model);
}
