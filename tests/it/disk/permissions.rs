//! Directories and files that may not be read or written: an error with the reason, and the old file unchanged.
//!
//! Root ignores permissions, so these downloads run as nobody if the tests run as root.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use libc::{EACCES, EPERM, EROFS};

use super::child::{self, End};
use super::namespace;
use crate::fixture::{Fixture, PART};

const SIZE: u64 = 2 * PART;
const OLD: &[u8] = b"the old file";

/// A fixture with an old file, whose directory has the permissions `mode`.
fn fixture(mode: u32) -> Fixture {
    let fixture = Fixture::new(SIZE);
    fs::write(fixture.target(), OLD).expect("the old file");
    allow(fixture.dir(), mode);
    fixture
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("permissions");
}

fn am_root(fixture: &Fixture) -> bool {
    fs::metadata(fixture.dir()).expect("metadata").uid() == 0
}

/// Downloads as a user who is not root.
fn run(fixture: &Fixture, checkpoints: &Path) -> End {
    let mut command = child::command(fixture, "");
    command.env("TEST_CHECKPOINTS", checkpoints);
    if am_root(fixture) {
        command.env("TEST_USER", "nobody");
    }
    child::run(&mut command)
}

fn assert_old_file(fixture: &Fixture) {
    assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn a_directory_that_may_not_be_written_is_an_error() {
    let fixture = fixture(0o555);
    assert_eq!(run(&fixture, fixture.dir()), End::failed("LocalIoError", EACCES));
    assert_old_file(&fixture);
}

#[test]
fn a_checkpoint_directory_that_may_not_be_written_is_an_error_that_leaves_nothing_at_the_target() {
    let fixture = fixture(0o777);
    let checkpoints = tempfile::tempdir().expect("directory");
    allow(checkpoints.path(), 0o555);
    assert_eq!(run(&fixture, checkpoints.path()), End::failed("LocalIoError", EACCES));
    assert_old_file(&fixture);
}

#[test]
fn a_directory_that_may_not_be_entered_is_an_error() {
    for mode in [0o000, 0o666] {
        let fixture = fixture(mode);
        assert_eq!(run(&fixture, fixture.dir()), End::failed("LocalIoError", EACCES), "{mode:o}");
        allow(fixture.dir(), 0o755);
        assert_old_file(&fixture);
    }
}

#[test]
fn a_directory_that_may_not_be_listed_is_enough() {
    let fixture = fixture(0o333);
    assert_eq!(run(&fixture, fixture.dir()), End::Saved { reused: 0, fetched: SIZE });
    allow(fixture.dir(), 0o755);
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn a_target_that_may_not_be_written_is_replaced_because_its_directory_may() {
    let fixture = fixture(0o777);
    allow(&fixture.target(), 0o000);
    assert_eq!(run(&fixture, fixture.dir()), End::Saved { reused: 0, fetched: SIZE });
    fixture.assert_range(0..SIZE);
}

/// Makes root the owner of the file.
fn give_to_root(path: &Path, mode: u32) {
    chown(path, Some(0), Some(0)).expect("this test needs root, to have files of two owners");
    allow(path, mode);
}

#[test]
fn another_user_s_target_in_a_sticky_directory_is_kept_and_so_is_the_checkpoint() {
    let fixture = fixture(0o1777);
    give_to_root(fixture.dir(), 0o1777);
    give_to_root(&fixture.target(), 0o666);
    assert_eq!(run(&fixture, fixture.dir()), End::failed("RenameError", EPERM));
    assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);
    // A user with the permissions can use all of it.
    let outcome = fixture.client().download(&fixture.request()).expect("resume");
    assert_eq!(outcome.statistics.bytes_reused, SIZE);
    fixture.assert_whole(&outcome);
}

#[test]
fn unreadable_files_of_an_earlier_run_are_an_error_and_are_kept() {
    let fixture = fixture(0o777);
    // Otherwise another user's temporary file of mode 0666 would not be used.
    allow(&fixture.target(), 0o666);
    fixture.interrupt(&fixture.request(), 50_000);
    let left = fixture.leftovers();
    for (path, content) in
        [(fixture.temp(), &left.temp), (left.journal_path.clone(), &left.journal)]
    {
        allow(&path, 0o000);
        assert_eq!(run(&fixture, fixture.dir()), End::failed("LocalIoError", EACCES));
        allow(&path, 0o666);
        assert_eq!(&fs::read(&path).expect("read"), content);
        assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);
    }
    let held = PART + 50_000;
    assert_eq!(run(&fixture, fixture.dir()), End::Saved { reused: held, fetched: SIZE - held });
    fixture.assert_range(0..SIZE);
}

#[test]
fn a_read_only_file_system_is_an_error() {
    namespace::run(":", "disk::permissions::with_a_read_only_file_system");
}

#[test]
#[ignore = "runs in a child process, with mounts of its own"]
fn with_a_read_only_file_system() {
    let fixture = fixture(0o755);
    let elsewhere = tempfile::tempdir().expect("directory");
    let mount = |arguments: &[&str], path: &Path| {
        let mounted = std::process::Command::new("mount").args(arguments).arg(path).status();
        assert!(mounted.expect("mount").success());
    };
    let path = fixture.dir().to_str().expect("UTF-8");
    mount(&["--bind", path], fixture.dir());
    mount(&["-o", "remount,bind,ro"], fixture.dir());
    for request in [fixture.request(), fixture.request().checkpoint_dir(elsewhere.path())] {
        let error = fixture.client().download(&request).expect_err("read-only");
        assert_eq!((error.code(), error.errno()), ("LocalIoError", Some(EROFS)), "{error}");
        assert_old_file(&fixture);
        assert_eq!(fs::read_dir(elsewhere.path()).expect("list").count(), 0);
    }
    let request = fixture.request().file_path(elsewhere.path().join("file"));
    let error = fixture.client().download(&request).expect_err("a read-only checkpoint directory");
    assert_eq!((error.code(), error.errno()), ("LocalIoError", Some(EROFS)), "{error}");
    assert_eq!(fs::read_dir(elsewhere.path()).expect("list").count(), 0);

    mount(&["-o", "remount,bind,rw"], fixture.dir());
    let outcome = fixture.client().download(&fixture.request()).expect("download");
    fixture.assert_whole(&outcome);
}
