//! File systems without reliable locks: each run has a temporary file of its own, which is read back before the rename.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use libc::ENOLCK;
use local_oss::{Fault, Matcher};

use super::child::{self, End};
use super::shim::{self, ALWAYS, Call, Failing, How};
use crate::fixture::{BUCKET, Fixture, KEY, PART};

const SIZE: u64 = 3 * PART;
const OLD: &[u8] = b"the old file";
const SECOND: u64 = 50_000;

fn with_old_file() -> Fixture {
    let fixture = Fixture::new(SIZE);
    fs::write(fixture.target(), OLD).expect("the old file");
    fixture
}

/// Every lock fails.
fn no_locks(fixture: &Fixture) -> Option<Failing<'_>> {
    let path = fixture.dir().to_str().expect("UTF-8");
    Some(Failing { call: "lock", path, nth: 1, times: ALWAYS, how: How::Errno(ENOLCK) })
}

/// Asserts that bytes were written only to files with random names, and that the file was read back before its rename.
fn assert_careful(end: &End, calls: &[Call]) {
    let on_temp = |kind: &'static str| {
        calls.iter().filter(move |call| call.kind == kind && call.path.contains(".temp"))
    };
    for call in on_temp("write") {
        let name = call.path.rsplit('/').next().expect("a name");
        assert_eq!(name.len(), "file.bin.0123456789abcdef.temp".len(), "{name}");
    }
    let saved = matches!(end, End::Saved { .. });
    assert!(!saved || on_temp("read").count() > 0, "the file was not read back");
}

/// Downloads with `run`, with one interruption.
fn interrupted_and_resumed(run: impl Fn(&Fixture) -> (End, Vec<Call>)) {
    let fixture = with_old_file();
    fixture.server.inject_when(Matcher::any().nth(2), Fault::CloseAfter(SECOND));
    let (end, calls) = run(&fixture);
    assert!(matches!(end, End::Failed { .. }), "{end:?}");
    assert_careful(&end, &calls);
    fixture.server.clear_faults();
    assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);

    let (end, calls) = run(&fixture);
    let held = PART + SECOND;
    assert_eq!(end, End::Saved { reused: held, fetched: SIZE - held });
    assert_careful(&end, &calls);
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn without_locks_the_temporary_file_has_a_unique_name_and_is_read_back() {
    for choices in ["", "no-checkpoint"] {
        let fixture = with_old_file();
        let (end, calls) = shim::run(&fixture, choices, no_locks(&fixture));
        assert_eq!(end, End::Saved { reused: 0, fetched: SIZE });
        assert_careful(&end, &calls);
        fixture.assert_range(0..SIZE);
        assert_eq!(fixture.files(), ["file.bin"]);
    }
}

#[test]
fn without_locks_an_interrupted_run_is_resumed() {
    interrupted_and_resumed(|fixture| shim::run(fixture, "", no_locks(fixture)));
}

#[test]
fn on_a_network_file_system_an_interrupted_run_is_resumed() {
    interrupted_and_resumed(|fixture| shim::run_on_nfs(fixture, None));
}

#[test]
fn on_a_network_file_system_without_locks_an_interrupted_run_is_resumed() {
    interrupted_and_resumed(|fixture| shim::run_on_nfs(fixture, no_locks(fixture)));
}

#[test]
fn without_locks_only_one_run_uses_the_file_of_an_earlier_run() {
    let fixture = with_old_file();
    fixture.interrupt(&fixture.request(), SECOND);
    // The remaining bytes are useless, so both runs want to empty the file. One of them is late: it is stopped after
    // its first request until the other has ended.
    fixture.server.replace(BUCKET, KEY);
    let slow = Fault::RoundTrip(Duration::from_secs(2));
    let slow = fixture.server.inject_when(Matcher::any().nth(1), slow);
    let mut command = child::command(&fixture, "");
    shim::preload(&mut command, &fixture, no_locks(&fixture));
    let late = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a run");
    while fixture.server.fault_hits(slow) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    signal("-STOP", &late);
    let (early, _) = shim::run(&fixture, "", no_locks(&fixture));
    signal("-CONT", &late);
    assert_eq!(early, End::Saved { reused: 0, fetched: SIZE });
    fixture.assert_range(0..SIZE);
    let late = child::end_of(late.wait_with_output().expect("its end"));
    assert_eq!(late, End::failed("Busy", 0));
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
}

fn signal(name: &str, process: &Child) {
    // The shell's builtin: not every system has a program of this name.
    let sent = Command::new("sh").args(["-c", &format!("kill {name} {}", process.id())]).status();
    assert!(sent.expect("a shell").success());
}
