//! Writes past the page cache: what is written so, what happens where that is refused, and that the file is right
//! wherever a span, a connection or a run ends.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use libc::{EFBIG, EINVAL};
use local_oss::{Config, Fault, Matcher, Object};
use oss_resumable::{ByteRange, Client, LogLevel, Order, WriteMode};
use parking_lot::Mutex;

use super::child::End;
use super::namespace;
use super::shim::{self, Call, Failing, How};
use crate::effort::Chance;
use crate::fixture::{
    BUCKET, Fixture, KEY, MIB, PART, directory_in_memory, directory_on_disk, wait_for_progress,
};

/// Neither a whole number of pages nor of buffers.
const SIZE: u64 = 5 * MIB + 777;
const CHOSEN: &str = "writing directly to the disk";
const REFUSED: &str = "the file system refuses direct writes";
const GIVEN_UP: &str = "the file system refused a direct access";

fn on_disk(size: u64) -> Fixture {
    Fixture::in_directory(directory_on_disk(), Config::default(), Object::pattern(size, 7))
}

/// A client, and the lines of its log about the way of writing.
fn client_with_log(fixture: &Fixture) -> (Client, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let client = fixture.client_with(|options| {
        options.log_level = LogLevel::Info;
        options.log = Some(Arc::new(move |_, line: &str| {
            if [CHOSEN, REFUSED, GIVEN_UP].iter().any(|said| line.contains(said)) {
                sink.lock().push(line.to_owned());
            }
        }));
    });
    (client, lines)
}

/// The bytes of a file that are in the page cache.
fn cached(path: &Path) -> u64 {
    let args = ["--bytes", "--noheadings", "--output", "RES"];
    let output = Command::new("fincore").args(args).arg(path).output().expect("fincore");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
}

fn of_temp<'a>(calls: &'a [Call], kind: &'a str) -> impl Iterator<Item = &'a Call> {
    calls.iter().filter(move |call| call.kind == kind && call.path.ends_with(".temp"))
}

#[test]
fn the_page_cache_holds_only_the_ends_of_the_spans() {
    let fixture = on_disk(24 * MIB + 777);
    let (client, lines) = client_with_log(&fixture);
    let cached_after = |mode| {
        let request = fixture.request_with(|request| request.write_mode = mode);
        let outcome = client.download(&request).expect("download");
        let cached = cached(&fixture.target());
        fixture.assert_whole(&outcome);
        cached
    };
    let direct = cached_after(WriteMode::Direct);
    assert!(direct <= MIB, "{direct} bytes are in the page cache");
    assert_eq!(lines.lock().len(), 1, "{lines:?}");
    assert!(lines.lock()[0].contains(CHOSEN), "{lines:?}");
    assert!(cached_after(WriteMode::Buffered) >= 24 * MIB);
    assert!(cached_after(WriteMode::Auto) >= 24 * MIB, "it is small beside the memory");
    assert_eq!(lines.lock().len(), 1, "{lines:?}");
}

#[test]
fn a_resumed_run_verifies_the_earlier_bytes_past_the_page_cache() {
    let fixture = on_disk(24 * MIB + 777);
    fixture.server.inject(Fault::RateLimit(8 * MIB));
    let (client, _) = client_with_log(&fixture);
    let request = fixture.request_with(|request| request.write_mode = WriteMode::Direct);
    let download = client.start(&request).expect("start");
    wait_for_progress(&download, 12 * MIB);
    download.cancel();
    download.wait(None).expect("no limit").expect_err("cancelled");
    drop(download);
    fixture.server.clear_faults();
    assert!(cached(&fixture.temp()) <= MIB);
    let outcome = client.download(&request).expect("resume");
    let cached = cached(&fixture.target());
    assert!(cached <= MIB, "{cached} bytes are in the page cache");
    assert!(outcome.statistics.bytes_reused > 6 * MIB, "{:?}", outcome.statistics);
    fixture.assert_whole(&outcome);
}

#[test]
fn a_file_system_in_memory_is_written_as_usual_and_the_log_says_so() {
    let (config, object) = (Config::default(), Object::pattern(SIZE, 7));
    let fixture = Fixture::in_directory(directory_in_memory(), config, object);
    let (client, lines) = client_with_log(&fixture);
    let request = fixture.request_with(|request| request.write_mode = WriteMode::Direct);
    fixture.assert_saved_by(&client, &request);
    assert_eq!(lines.lock().len(), 1, "{lines:?}");
    assert!(lines.lock()[0].contains(REFUSED), "{lines:?}");
}

#[test]
fn a_refused_open_or_write_costs_nothing_but_the_page_cache() {
    let fixture = on_disk(SIZE);
    let path = fixture.dir().to_str().expect("UTF-8").to_owned();
    for (call, nth, directly) in
        [("direct-open", 1, 0), ("direct-write", 1, 0), ("direct-write", 3, 2)]
    {
        let how = How::Errno(EINVAL);
        let failing = Failing { call, path: &path, nth, times: shim::ALWAYS, how };
        let (end, calls) = shim::run(&fixture, "direct", Some(failing));
        assert_eq!(end, End::Saved { reused: 0, fetched: SIZE });
        fixture.assert_range(0..SIZE);
        let direct = of_temp(&calls, "direct-write").filter(|call| !call.failed).count();
        assert_eq!(direct, directly, "{call} {nth}");
        let tried = of_temp(&calls, "direct-write").filter(|call| call.failed).count();
        assert!(tried <= 1, "{call} {nth}: it was tried again {tried} times");
        assert!(of_temp(&calls, "write").count() > 1, "{calls:?}");
    }
}

#[test]
fn a_late_refusal_is_told_in_the_log_once() {
    let fixture = on_disk(SIZE);
    let path = fixture.dir().to_str().expect("UTF-8").to_owned();
    let how = How::Errno(EINVAL);
    let failing = Failing { call: "direct-write", path: &path, nth: 2, times: shim::ALWAYS, how };
    let mut command = super::child::command(&fixture, "direct");
    shim::preload(&mut command, &fixture, Some(failing));
    let output = command.output().expect("run");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!((said.matches(CHOSEN).count(), said.matches(GIVEN_UP).count()), (1, 1), "{said}");
    fixture.assert_range(0..SIZE);
}

#[test]
fn short_direct_writes_leave_no_gap() {
    let fixture = on_disk(SIZE);
    let path = fixture.dir().to_str().expect("UTF-8").to_owned();
    let how = How::Short;
    let failing = Failing { call: "direct-write", path: &path, nth: 1, times: shim::ALWAYS, how };
    let (end, calls) = shim::run(&fixture, "direct", Some(failing));
    assert_eq!(end, End::Saved { reused: 0, fetched: SIZE });
    fixture.assert_range(0..SIZE);
    assert!(of_temp(&calls, "direct-write").count() > 10, "{calls:?}");
}

#[test]
fn a_direct_write_that_the_disk_loses_is_found_and_fetched_again() {
    let fixture = on_disk(SIZE);
    let path = fixture.dir().to_str().expect("UTF-8").to_owned();
    let failing = Failing { call: "direct-write", path: &path, nth: 2, times: 1, how: How::Lost };
    let (end, _) = shim::run(&fixture, "direct verify", Some(failing));
    let End::Saved { reused: 0, fetched } = end else { panic!("{end:?}") };
    assert!(fetched > SIZE, "the damaged bytes were fetched again");
    fixture.assert_range(0..SIZE);
}

#[test]
fn a_direct_write_beyond_the_limit_of_the_process_is_an_error() {
    let fixture = on_disk(SIZE);
    std::fs::write(fixture.target(), "the old file").expect("the old file");
    let inner = super::child::command(&fixture, "direct no-space-check");
    let mut command = Command::new("prlimit");
    command.arg(format!("--fsize={}", 2 * MIB + 100)).arg(inner.get_program());
    command.args(inner.get_args());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert_eq!(super::child::run(&mut command), End::failed("LocalIoError", EFBIG));
    assert_eq!(std::fs::read(fixture.target()).expect("the old file"), b"the old file");
    let request = fixture.request_with(|request| request.write_mode = WriteMode::Direct);
    fixture.assert_saved_by(&fixture.client(), &request);
}

#[test]
fn spans_ranges_and_runs_may_end_anywhere_and_ways_of_writing_may_change_between_runs() {
    let mut chance = Chance::new();
    let fixture = on_disk(SIZE);
    for round in 0..12 {
        let (start, end) = (chance.below(SIZE / 3), SIZE - 1 - chance.below(SIZE / 3));
        let range = (round % 2 == 0).then_some(ByteRange { start: start as i64, end: end as i64 });
        let wanted = range.map_or(0..SIZE, |_| start..end + 1);
        let mut request = fixture.request_with(|request| {
            request.range = range;
            request.flush = false;
            request.thread_num = 1 + chance.below(5) as u32;
        });
        // Connections break at odd places, and the first run ends soon.
        fixture.server.inject(Fault::CloseAfter(100_000 + chance.below(400_000)));
        let denied = Fault::Status { status: 403, code: "AccessDenied".into(), retry_after: None };
        fixture.server.inject_when(Matcher::any().from(4 + chance.below(5)), denied);
        let modes = [WriteMode::Direct, WriteMode::Buffered, WriteMode::Direct];
        request.write_mode = *chance.pick(&modes);
        let interrupted = fixture.client().download(&request);
        fixture.server.clear_faults();
        fixture.server.inject(Fault::CloseAfter(1_000_003));
        request.write_mode = *chance.pick(&modes);
        let outcome = fixture.client().download(&request).expect("resume");
        fixture.server.clear_faults();
        assert_eq!(outcome.file_size, wanted.end - wanted.start);
        assert!(interrupted.is_ok() || outcome.statistics.bytes_reused > 0, "{interrupted:?}");
        fixture.assert_range(wanted);
        assert_eq!(fixture.files(), ["file.bin"]);
    }
}

#[test]
fn bytes_that_were_damaged_since_are_found_past_the_page_cache() {
    let fixture = on_disk(4 * PART);
    fixture.interrupt(
        &fixture.request_with(|request| request.write_mode = WriteMode::Direct),
        PART / 2,
    );
    let mut left = std::fs::read(fixture.temp()).expect("the temporary file");
    left[5000] ^= 1;
    std::fs::write(fixture.temp(), left).expect("damage");
    let request = fixture.request_with(|request| request.write_mode = WriteMode::Direct);
    let outcome = fixture.client().download(&request).expect("resume");
    assert!(outcome.statistics.bytes_discarded >= PART, "{:?}", outcome.statistics);
    fixture.assert_whole(&outcome);
}

#[test]
fn the_blocks_are_reserved_so_that_connections_do_not_wait_for_each_other() {
    use std::os::unix::fs::MetadataExt;
    let fixture = on_disk(8 * MIB);
    fixture.server.inject(Fault::RateLimit(MIB));
    let request = fixture.request_with(|request| request.write_mode = WriteMode::Direct);
    let download = fixture.client().start(&request).expect("start");
    wait_for_progress(&download, 1);
    let reserved = std::fs::metadata(fixture.temp()).expect("temp").blocks() * 512;
    assert!(reserved >= 8 * MIB && download.status().bytes_done < 4 * MIB, "{reserved}");
}

#[test]
fn a_download_that_is_large_beside_the_available_memory_is_written_directly() {
    namespace::run(
        "printf 'MemTotal: 9999999 kB\\nMemAvailable: 300000 kB\\n' >$TMPDIR/meminfo
        mount --bind $TMPDIR/meminfo /proc/meminfo",
        "disk::direct::beside_little_memory",
    );
}

#[test]
#[ignore = "runs in a child process, with another /proc/meminfo"]
fn beside_little_memory() {
    let cases = [
        (64 * MIB, Order::Default, 0),
        (74 * MIB, Order::Default, 1),
        // It is read while it grows.
        (74 * MIB, Order::Sequential, 0),
    ];
    for (size, order, expected) in cases {
        let fixture = on_disk(size);
        let (client, lines) = client_with_log(&fixture);
        let request = fixture.request_with(|request| {
            request.part_size = 8 * MIB;
            request.order = order;
            request.flush = false;
        });
        let outcome = client.download(&request).expect("download");
        assert_eq!(outcome.file_size, size);
        assert_eq!(lines.lock().len(), expected, "{lines:?}");
        let wanted = fixture.server.object(BUCKET, KEY).expect("object").size();
        fixture.assert_range(0..wanted);
    }
}
