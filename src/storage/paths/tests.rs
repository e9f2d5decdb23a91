use super::*;
use crate::model::error::ErrorKind;
use std::ffi::OsString;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;

struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        Scratch { dir: tempfile::tempdir().expect("directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.dir.path()).expect("canonical").join(name)
    }

    fn resolve(&self, name: &str) -> Result<Paths> {
        resolve(&request(self.dir.path().join(name)))
    }
}

fn request(path: impl Into<PathBuf>) -> DownloadRequest {
    DownloadRequest::new("bucket", "dir/key").file_path(path)
}

fn refused(result: Result<Paths>) -> Error {
    let error = result.expect_err("must be refused");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"), "{error}");
    error
}

#[test]
fn the_default_is_the_keys_last_segment_in_the_current_directory() {
    let paths = resolve(&DownloadRequest::new("bucket", "a/b/object.bin")).expect("resolve");
    let here = fs::canonicalize(".").expect("current directory");
    assert_eq!(paths.target, here.join("object.bin"));
    assert_eq!(paths.checkpoint_dir, None);
    for key in ["a/", "", "a/.", "..", "a//"] {
        refused(resolve(&DownloadRequest::new("bucket", key)));
    }
    refused(resolve(&DownloadRequest::new("bucket", "a\0b")));
}

#[test]
fn the_target_may_be_absent_regular_or_a_link_to_one_of_these() {
    let scratch = Scratch::new();
    let paths = scratch.resolve("file").expect("absent");
    assert_eq!(paths.target, scratch.path("file"));
    fs::write(scratch.path("file"), "old").expect("write");
    scratch.resolve("file").expect("regular");
    symlink(scratch.path("file"), scratch.path("link")).expect("link");
    fs::create_dir(scratch.path("dir")).expect("directory");
    symlink("dir/new", scratch.path("to-new")).expect("link");
    for (link, file) in [("link", "file"), ("to-new", "dir/new")] {
        let paths = scratch.resolve(link).expect("link");
        assert!(paths.through_link);
        assert_eq!(paths.target, scratch.path(file));
        let direct = scratch.resolve(file).expect("direct");
        assert!(!direct.through_link);
        assert_eq!(paths.temp.parent(), direct.temp.parent());
        assert_eq!(paths.trusted, direct.trusted);
        assert!(!paths.trusted || paths.temp == direct.temp, "one lock for both spellings");
    }
}

#[test]
fn targets_that_are_not_regular_files_are_refused() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("dir")).expect("directory");
    fs::write(scratch.path("file"), "").expect("write");
    symlink(scratch.path("dir"), scratch.path("to-dir")).expect("link");
    symlink(scratch.path("none/x"), scratch.path("to-nowhere")).expect("link");
    symlink("loop", scratch.path("loop")).expect("link");
    let long = "x".repeat(256);
    for name in [
        "dir",
        "dir/",
        "dir/.",
        "dir/..",
        "to-dir",
        "to-nowhere",
        "loop",
        "none/file",
        "file/file",
        "a\0b",
        &long,
    ] {
        refused(scratch.resolve(name));
    }
    refused(resolve(&request("")));
    refused(resolve(&request("/")));
    refused(resolve(&request("/dev/null")));
}

#[test]
fn a_link_to_an_object_without_a_name_is_refused() {
    let scratch = Scratch::new();
    let file = fs::File::create(scratch.path("gone")).expect("create");
    fs::remove_file(scratch.path("gone")).expect("remove");
    let (reader, _writer) = io::pipe().expect("pipe");
    for number in [file.as_raw_fd(), reader.as_raw_fd()] {
        let error = refused(resolve(&request(format!("/proc/self/fd/{number}"))));
        assert!(error.message().contains("not a regular file"), "{error}");
    }
}

#[test]
fn a_target_that_must_not_be_replaced_is_refused_before_anything_else() {
    let scratch = Scratch::new();
    fs::write(scratch.path("file"), "old").expect("write");
    let mut request = request(scratch.path("file"));
    request.overwrite = Overwrite::Fail;
    let mut by_link = request.clone();
    by_link.file_path = Some(scratch.path("link"));
    symlink("file", scratch.path("link")).expect("link");
    for request in [&request, &by_link] {
        assert_eq!(resolve(request).expect_err("must be refused").code(), "FileAlreadyExists");
    }
    fs::remove_file(scratch.path("file")).expect("remove");
    for request in [&request, &by_link] {
        assert_eq!(resolve(request).expect("resolve").target, scratch.path("file"));
    }
}

#[test]
fn two_spellings_of_one_path_are_equal() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("dir")).expect("directory");
    symlink(scratch.path("dir"), scratch.path("link")).expect("link");
    for name in ["dir/file", "dir//file", "dir/./file", "dir/../dir/file", "link/file"] {
        assert_eq!(scratch.resolve(name).expect(name).target, scratch.path("dir/file"));
    }
}

#[test]
fn the_checkpoint_directory_must_exist() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("cp")).expect("directory");
    fs::write(scratch.path("file"), "").expect("write");
    let with =
        |dir: &str| resolve(&request(scratch.path("target")).checkpoint_dir(scratch.path(dir)));
    assert_eq!(with("cp").expect("resolve").checkpoint_dir, Some(scratch.path("cp")));
    assert!(refused(with("none")).message().contains("checkpoint_dir"));
    refused(with("file"));
    refused(resolve(&request(scratch.path("target")).checkpoint_dir("")));

    let mut beside = request(scratch.path("target"));
    beside.checkpoint = Checkpoint::BesideTarget;
    let paths = resolve(&beside).expect("resolve");
    assert_eq!(paths.checkpoint_dir.as_deref(), paths.target.parent());
    symlink("cp/new", scratch.path("target")).expect("link");
    let paths = resolve(&beside).expect("resolve");
    assert_eq!(paths.checkpoint_dir, Some(scratch.path("cp")), "beside what the link leads to");
}

#[test]
fn the_temporary_file_is_the_sdks_or_a_short_name_beside_the_target() {
    let scratch = Scratch::new();
    let paths = scratch.resolve("file").expect("resolve");
    // The directory for temporary files may be of any kind where the tests run.
    if paths.trusted {
        assert_eq!(paths.temp, scratch.path("file.temp"));
    }
    let long = scratch.resolve(&"x".repeat(255)).expect("resolve");
    assert!(long.temp.file_name().expect("name").len() < 60);
    assert_eq!(long.temp.parent(), long.target.parent());
}

#[test]
fn only_temporary_names_of_this_target_are_accepted_from_a_checkpoint() {
    let paths = Scratch::new().resolve("file").expect("resolve");
    let name = OsStr::new("file.0123456789abcdef.temp");
    assert_eq!(paths.recorded_temp(name), Some(paths.target.with_file_name(name)));
    for name in ["file", "other.temp", "../file.temp", "sub/file.temp", "/etc/passwd", ""] {
        assert_eq!(paths.recorded_temp(name.as_ref()), None, "{name}");
    }
}

#[test]
fn a_path_that_is_too_long_is_refused_with_that_reason() {
    let scratch = Scratch::new();
    let long = "x".repeat(256);
    for name in [&long, &format!("{long}/file")] {
        let error = refused(scratch.resolve(name));
        assert!(error.message().contains("is too long"), "{error}");
    }
}

#[test]
fn a_name_that_is_not_utf8_is_valid() {
    let scratch = Scratch::new();
    let name = OsString::from_vec(vec![0xFF, 0xFE, b'x']);
    let paths = resolve(&request(scratch.path("x").with_file_name(&name))).expect("resolve");
    assert_eq!(paths.target.file_name(), Some(&*name));
}
