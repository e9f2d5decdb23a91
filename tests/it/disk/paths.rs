//! Targets of every kind, and paths of every spelling and length.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use libc::ENAMETOOLONG;
use oss_resumable::{DownloadRequest, Error, ErrorKind};

use super::namespace;
use crate::fixture::{BUCKET, Fixture, KEY, PART};

const SIZE: u64 = 2 * PART;
const SECOND: u64 = 50_000;
const OLD: &[u8] = b"the old file";
/// Longest path in bytes.
const PATH_MAX: usize = 4095;

/// Downloads to `path` over an old file, with one interruption and with the checkpoint in `checkpoints`.
fn download(fixture: &Fixture, path: &Path, checkpoints: &Path) {
    fs::write(path, OLD).expect("the old file");
    let request = fixture.request().file_path(path).checkpoint_dir(checkpoints);
    fixture.interrupt(&request, SECOND);
    assert_eq!(fs::read(path).expect("the old file"), OLD);
    let outcome = fixture.client().download(&request).expect("resume");
    assert_eq!(outcome.statistics.bytes_reused, PART + SECOND);
    assert_object(fixture, path);
}

fn assert_object(fixture: &Fixture, path: &Path) {
    let expected = fixture.server.object_bytes(BUCKET, KEY, 0..SIZE).expect("object");
    assert!(fs::read(path).expect("target") == expected, "{}", path.display());
}

fn names(directory: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(directory).expect("list");
    entries.map(|entry| entry.expect("entry").file_name().as_bytes().to_vec()).collect()
}

#[test]
fn every_name_that_the_file_system_accepts_is_a_valid_target() {
    let fixture = Fixture::new(SIZE);
    let longest = "x".repeat(255);
    // The shortest name whose temporary name would be too long, and the longest whose is not.
    let (hashed, plain) = ("y".repeat(251), "z".repeat(250));
    let wide = "\u{6587}".repeat(85);
    for name in [
        b"with spaces  and a tail ".as_slice(),
        "Größe 文件 \u{1F600}".as_bytes(),
        b"two\nlines\r\n\ttab",
        b"-rf",
        b"\"quoted\" '$HOME' `id` \\ * ? %00 %2F",
        b"not UTF-8: \xFF\xFE\xC3",
        b"...",
        b"a.temp",
        longest.as_bytes(),
        hashed.as_bytes(),
        plain.as_bytes(),
        wide.as_bytes(),
    ] {
        download(&fixture, &fixture.dir().join(OsStr::from_bytes(name)), fixture.dir());
        assert_eq!(names(fixture.dir()), [name]);
        fs::remove_file(fixture.dir().join(OsStr::from_bytes(name))).expect("remove");
    }
}

/// A directory below `root` whose path has `len` bytes.
fn deep(root: &Path, len: usize) -> PathBuf {
    let mut path = root.canonicalize().expect("path");
    while path.as_os_str().len() < len {
        // A segment also needs its separator, so at least two bytes must remain for the last one.
        let missing = len - path.as_os_str().len() - 1;
        let segment = if missing > 250 { 200 } else { missing };
        path.push("d".repeat(segment));
    }
    fs::create_dir_all(&path).expect("directories");
    assert_eq!(path.as_os_str().len(), len);
    path
}

#[test]
fn a_path_of_4000_bytes_is_valid() {
    let fixture = Fixture::new(SIZE);
    let directory = deep(fixture.dir(), 4000 - "/file.bin".len());
    download(&fixture, &directory.join("file.bin"), fixture.dir());
    assert_eq!(names(&directory), [b"file.bin"]);
    download(&fixture, &directory.join("file.bin"), &directory);
    assert_eq!(names(&directory), [b"file.bin"]);
}

#[test]
fn up_to_the_longest_path_the_temporary_file_fits_or_the_error_says_that_it_does_not() {
    let fixture = Fixture::new(SIZE);
    // Length of the directory and of the name in bytes. If the name and ".temp" are too long, 24 digits and ".temp" may
    // fit.
    for (directory, name) in [(4000, 89), (4000, 94), (4060, 34), (4065, 29)] {
        let path = deep(fixture.dir(), directory).join("n".repeat(name));
        assert!(path.as_os_str().len() <= PATH_MAX);
        download(&fixture, &path, fixture.dir());
    }
    for (directory, name) in [(4066, 28), (4093, 1)] {
        let path = deep(fixture.dir(), directory).join("n".repeat(name));
        fs::write(&path, OLD).expect("the old file");
        let request = fixture.request().file_path(&path);
        let error = fixture.client().download(&request).expect_err("no room");
        assert_eq!((error.code(), error.errno()), ("LocalIoError", Some(ENAMETOOLONG)));
        assert_eq!(fs::read(&path).expect("the old file"), OLD);
    }
}

#[test]
fn a_path_that_is_too_long_is_refused_before_anything_is_sent() {
    let fixture = Fixture::new(SIZE);
    for path in [
        fixture.dir().join("n".repeat(256)),
        fixture.dir().join("d".repeat(256)).join("file"),
        deep(fixture.dir(), 4000).join("n".repeat(200)),
        Path::new("/").join("n/".repeat(3000)).join("file"),
    ] {
        refused(&fixture, &fixture.request().file_path(path));
    }
    refused(&fixture, &fixture.request().checkpoint_dir(Path::new("/").join("n/".repeat(3000))));
}

#[test]
fn a_directory_too_deep_for_a_checkpoint_is_an_error_that_leaves_the_old_file() {
    let fixture = Fixture::new(SIZE);
    fs::write(fixture.target(), OLD).expect("the old file");
    let request = fixture.request().checkpoint_dir(deep(fixture.dir(), 4080));
    let error = fixture.client().download(&request).expect_err("no room");
    assert_eq!((error.code(), error.errno()), ("LocalIoError", Some(ENAMETOOLONG)));
    assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);
}

fn refused(fixture: &Fixture, request: &DownloadRequest) -> Error {
    let error = fixture.client().download(request).expect_err("refused");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"), "{error}");
    assert!(fixture.server.requests().is_empty());
    error
}

#[test]
fn a_target_that_is_not_a_file_is_refused_before_anything_is_sent() {
    let fixture = Fixture::new(SIZE);
    let target = fixture.target();
    let elsewhere = fixture.dir().join("elsewhere");
    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
    let make_pipe =
        |path: &Path| rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, 0).expect("pipe");

    fs::create_dir(&target).expect("directory");
    refused(&fixture, &fixture.request());
    fs::write(target.join("inside"), OLD).expect("write");
    refused(&fixture, &fixture.request());
    assert_eq!(fs::read(target.join("inside")).expect("read"), OLD);
    fs::remove_dir_all(&target).expect("remove");

    make_pipe(&target);
    refused(&fixture, &fixture.request());
    assert!(fs::symlink_metadata(&target).expect("stat").file_type().is_fifo());
    fs::remove_file(&target).expect("remove");

    let socket = UnixListener::bind(&target).expect("socket");
    refused(&fixture, &fixture.request());
    drop(socket);
    fs::remove_file(&target).expect("remove");

    symlink(fixture.dir().join("none/file"), &target).expect("link");
    refused(&fixture, &fixture.request());
    fs::remove_file(&target).expect("remove");
    symlink(&elsewhere, &target).expect("link");
    fs::create_dir(&elsewhere).expect("directory");
    refused(&fixture, &fixture.request());
    fs::remove_dir(&elsewhere).expect("remove");
    make_pipe(&elsewhere);
    refused(&fixture, &fixture.request());
    assert_eq!(fs::read_link(&target).expect("link"), elsewhere);
    refused(&fixture, &fixture.request().file_path("/dev/null"));
    refused(&fixture, &fixture.request().file_path(elsewhere.join("file")));
}

#[test]
fn a_directory_reached_by_a_link_is_resolved_once_and_stays_the_same_when_the_link_changes() {
    let fixture = Fixture::new(SIZE);
    let path = |name: &str| fixture.dir().join(name);
    for name in ["here", "there", "records"] {
        fs::create_dir(path(name)).expect("directory");
    }
    symlink("here", path("link")).expect("link");
    symlink("records", path("to-records")).expect("link");
    let by = |directory: &str, records: &str| {
        let request = fixture.request().file_path(path(directory).join("file.bin"));
        request.checkpoint_dir(path(records))
    };
    fixture.interrupt(&by("link", "to-records"), SECOND);
    let turn = |_: &oss_resumable::Status| {
        if path("link").read_link().expect("link") == Path::new("here") {
            fs::remove_file(path("link")).expect("remove");
            symlink("there", path("link")).expect("link");
        }
        true
    };
    let outcome =
        fixture.client().download_with(&by("link", "records"), &mut { turn }).expect("resume");
    assert_eq!(outcome.statistics.bytes_reused, PART + SECOND);
    assert_object(&fixture, &path("here").join("file.bin"));
    assert!(names(&path("there")).is_empty());
    // A target in the other directory is another download.
    fixture.interrupt(&by("here", "records"), SECOND);
    let outcome = fixture.client().download(&by("link", "records")).expect("download");
    assert_eq!(outcome.statistics.bytes_reused, 0);
    assert_object(&fixture, &path("there").join("file.bin"));
}

#[test]
fn the_checkpoint_may_be_on_another_file_system_than_the_target() {
    namespace::run(
        "mkdir $TMPDIR/checkpoints $TMPDIR/target
        mount -t tmpfs none $TMPDIR/checkpoints
        mount -t tmpfs none $TMPDIR/target",
        "disk::paths::with_three_file_systems",
    );
}

#[test]
#[ignore = "runs in a child process, with mounts of its own"]
fn with_three_file_systems() {
    let fixture = Fixture::new(SIZE);
    let [checkpoints, target] =
        ["checkpoints", "target"].map(|name| namespace::directory().join(name));
    for (target, checkpoints) in
        [(fixture.dir(), &*checkpoints), (&target, fixture.dir()), (&target, &checkpoints)]
    {
        download(&fixture, &target.join("file.bin"), checkpoints);
        assert!(names(checkpoints).iter().all(|name| name == b"file.bin"));
        fs::remove_file(target.join("file.bin")).expect("remove");
    }
}

#[test]
fn a_file_that_cannot_be_replaced_because_it_is_mounted_keeps_its_bytes_and_the_checkpoint() {
    namespace::run("printf 'the old file' >$TMPDIR/mounted", "disk::paths::with_a_mounted_target");
}

#[test]
#[ignore = "runs in a child process, with mounts of its own"]
fn with_a_mounted_target() {
    // Containers are often given single files this way.
    let fixture = Fixture::new(SIZE);
    fs::write(fixture.target(), "").expect("write");
    let mounted = namespace::directory().join("mounted");
    mount(&["--bind".as_ref(), mounted.as_os_str(), fixture.target().as_os_str()]);
    let error = fixture.client().download(&fixture.request()).expect_err("busy");
    assert_eq!((error.code(), error.errno()), ("RenameError", Some(libc::EBUSY)), "{error}");
    assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);

    let unmounted = std::process::Command::new("umount").arg(fixture.target()).status();
    assert!(unmounted.expect("umount").success());
    let outcome = fixture.client().download(&fixture.request()).expect("resume");
    assert_eq!(outcome.statistics.bytes_reused, SIZE);
    fixture.assert_whole(&outcome);
}

/// Mounts; only for the children of [`namespace::run`].
fn mount(arguments: &[&OsStr]) {
    let mounted = std::process::Command::new("mount").args(arguments).status();
    assert!(mounted.expect("mount").success());
}
