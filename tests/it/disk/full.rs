//! Disks that are actually full: a small tmpfs, and a limit on the size of files.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use libc::{EFBIG, ENOSPC};
use local_oss::{Config, Fault, Object};
use oss_resumable::{DownloadRequest, ErrorKind};

use super::child::{self, End};
use super::namespace;
use crate::fixture::{Fixture, PART};

const SIZE: u64 = 2 * PART + 777;
const OLD: &[u8] = b"the old file";
/// The allocation unit of tmpfs.
const PAGE: u64 = 4096;

#[test]
fn a_disk_with_room_for_any_number_of_pages_keeps_the_old_file_until_the_new_one_fits() {
    namespace::run(
        "mount -t tmpfs -o size=1m none $TMPDIR",
        "disk::full::with_room_for_any_number_of_pages",
    );
}

#[test]
#[ignore = "runs in a child process, on a small tmpfs"]
fn with_room_for_any_number_of_pages() {
    let fixture = Fixture::new(SIZE);
    for check_space in [false, true] {
        for connections in [1, 3] {
            let request = fixture.request_with(|request| {
                request.check_space = check_space;
                request.thread_num = connections;
            });
            let failures =
                (0..).take_while(|&pages| !fits(&fixture, &request, pages)).count() as u64;
            // The object's pages, and at least one of the checkpoint's.
            assert!(failures > SIZE / PAGE + 1, "{failures} runs found too little room");
        }
    }
}

#[test]
fn a_processed_object_of_unknown_size_that_does_not_fit_on_the_disk_is_an_error() {
    namespace::run(
        "mount -t tmpfs -o size=1m none $TMPDIR",
        "disk::full::without_room_for_a_processed_object",
    );
}

#[test]
#[ignore = "runs in a child process, on a small tmpfs"]
fn without_room_for_a_processed_object() {
    let object = Object::pattern(SIZE, 7).processed(vec![1; 2 << 20]);
    let fixture = Fixture::with(Config::default(), object);
    fs::write(fixture.target(), OLD).expect("the old file");
    let request = fixture.request_with(|request| {
        request.extra_query = vec![("x-oss-process".to_owned(), "image/info".to_owned())];
    });
    let error = fixture.client().download(&request).expect_err("no room");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Io, "DiskFull"), "{error}");
    assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);
    assert_eq!(fixture.files(), ["file.bin"]);
    assert_eq!(fixture.server.requests().len(), 1);
}

/// Downloads with room for `pages`, and again with room for everything; returns whether the first run had enough.
fn fits(fixture: &Fixture, request: &DownloadRequest, pages: u64) -> bool {
    fs::write(fixture.target(), OLD).expect("the old file");
    let filler = fixture.dir().join("filler");
    fs::write(&filler, vec![1; free(fixture.dir()).saturating_sub(pages * PAGE) as usize])
        .expect("fill");
    let result = fixture.client().download(request);
    if let Err(error) = &result {
        assert_eq!((error.kind(), error.code()), (ErrorKind::Io, "DiskFull"), "{pages}: {error}");
        assert_eq!(error.errno(), Some(ENOSPC));
        assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);
    }
    fs::remove_file(&filler).expect("remove");
    let fitted = result.is_ok();
    let outcome =
        result.unwrap_or_else(|_| fixture.client().download(request).expect("room for all"));
    fixture.assert_whole(&outcome);
    fitted
}

fn free(path: &Path) -> u64 {
    let stat = rustix::fs::statvfs(path).expect("statvfs");
    stat.f_bavail * stat.f_frsize
}

#[test]
fn a_full_disk_for_checkpoints_costs_the_checkpoint_and_not_the_file() {
    // Two pages: one for the record of the first parts, and one that is occupied.
    namespace::run(
        "mkdir $TMPDIR/checkpoints; mount -t tmpfs -o size=8k none $TMPDIR/checkpoints
        head -c 4096 /dev/zero >$TMPDIR/checkpoints/taken",
        "disk::full::with_a_full_disk_for_checkpoints",
    );
}

#[test]
#[ignore = "runs in a child process, with a small tmpfs for checkpoints"]
fn with_a_full_disk_for_checkpoints() {
    // A page has room for the header and fewer than 128 records.
    let fixture = Fixture::new(200 * PART);
    let checkpoints = namespace::directory().join("checkpoints");
    assert_ne!(device(&checkpoints), device(fixture.dir()));
    let request = fixture.request_with(|request| request.flush = false);
    let request = request.checkpoint_dir(&checkpoints).thread_num(2);
    fs::write(fixture.target(), OLD).expect("the old file");

    // Connections that break often cause many records.
    fixture.server.inject(Fault::CloseAfter(PART / 2));
    let lost = Arc::new(AtomicU64::new(0));
    let count = lost.clone();
    let client = fixture.client_with(|options| {
        options.log = Some(Arc::new(move |_, line: &str| {
            let is_lost = line.contains("the checkpoint is no longer kept");
            count.fetch_add(u64::from(is_lost), Ordering::Relaxed);
        }));
    });
    let outcome = client.download(&request).expect("the right file");
    fixture.assert_whole(&outcome);
    assert!(lost.load(Ordering::Relaxed) > 0, "the checkpoint had room");
    let left: Vec<_> = fs::read_dir(&checkpoints).expect("list").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

fn device(path: &Path) -> u64 {
    fs::metadata(path).expect("metadata").dev()
}

/// The file size limits to try: around the size of everything that is written.
fn limits() -> impl Iterator<Item = u64> {
    let journal = [0, 1, 31, 100, 200, 300, 400].into_iter();
    let data = [PAGE, PART - 1, PART, PART + 1, 2 * PART, SIZE - 1];
    journal.chain(data)
}

fn run_with_limit(fixture: &Fixture, limit: u64, shell: &str) -> End {
    let script = format!("{shell} exec prlimit --fsize={limit} \"$@\"");
    let inner = child::command(fixture, "no-space-check");
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh"]).arg(inner.get_program()).args(inner.get_args());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    child::run(&mut command)
}

fn with_old_file() -> Fixture {
    let fixture = Fixture::new(SIZE);
    fs::write(fixture.target(), OLD).expect("the old file");
    fixture
}

fn finish(fixture: &Fixture) {
    assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);
    let outcome = fixture.client().download(&fixture.request()).expect("the right file");
    fixture.assert_whole(&outcome);
}

#[test]
fn a_file_that_exceeds_the_process_s_size_limit_is_an_error_and_not_a_signal() {
    for limit in limits() {
        // The signal that accompanies the error kills a process that does not ignore it; the library's threads block
        // it.
        for shell in ["", "trap '' XFSZ;"] {
            let fixture = with_old_file();
            let end = run_with_limit(&fixture, limit, shell);
            assert_eq!(end, End::failed("LocalIoError", EFBIG), "{limit} bytes");
            finish(&fixture);
        }
    }
    let fixture = with_old_file();
    assert_eq!(run_with_limit(&fixture, SIZE, ""), End::Saved { reused: 0, fetched: SIZE });
}
