//! `tests/shim/calls.c`, preloaded into the child.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::fixture::Fixture;
use crate::preload;
use crate::program::{error_output, running};

/// The server's name, which the child finds in [`names`].
pub const HOST: &str = "oss.example";
/// The calls between these two count.
pub const BEGIN: &str = "/calls/begin";
pub const END: &str = "/calls/end";
/// What the child prints before its error, or before [`SAVED`].
pub const RESULT: &str = "result: ";
pub const SAVED: &str = "saved";
/// Longer than all limits of the child together, on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);
/// All calls from the first one on.
pub const ALWAYS: usize = i32::MAX as usize;

/// The way in which a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Errno(i32),
    /// It does half of what was requested.
    Short,
}

/// The calls that fail, and how.
#[derive(Clone, Debug)]
pub struct Failing {
    /// The kind, as in `calls.c`.
    pub kind: String,
    /// The first call that fails, counted from 1 …
    pub nth: usize,
    /// … and how many fail.
    pub times: usize,
    pub how: How,
}

/// A call that the child made.
#[derive(Clone, Debug)]
pub struct Call {
    pub kind: String,
    /// A path, if there is one.
    pub object: String,
    pub failed: bool,
}

/// How the child ended.
pub struct Run {
    /// The error's code and message; `None` after a success.
    pub error: Option<String>,
    pub output: String,
    pub calls: Vec<Call>,
}

/// Files for the directory /etc in which only [`HOST`] has an address.
pub fn names() -> tempfile::TempDir {
    let etc = tempfile::tempdir().expect("directory");
    let write = |name, text: &str| std::fs::write(etc.path().join(name), text).expect("write");
    write("hosts", &format!("127.0.0.1 {HOST}\n"));
    write("nsswitch.conf", "hosts: files\n");
    write("resolv.conf", "nameserver 127.0.0.1\n");
    write("host.conf", "multi on\n");
    etc
}

/// Runs the child with the files of `etc` in /etc, and `direct` writes.
pub fn run(fixture: &Fixture, etc: &Path, direct: bool, failing: Option<&Failing>) -> Run {
    let log = etc.join("calls");
    let mut command = command(fixture);
    if direct {
        command.env("TEST_DIRECT", "1");
    }
    command.env("LD_PRELOAD", library()).env("CALLS_LOG", &log).env("CALLS_ETC", etc);
    if let Some(failing) = failing {
        fail(&mut command, failing);
    }
    let started = Instant::now();
    let mut child = running(&mut command);
    while child.is_alive() {
        assert!(started.elapsed() < LIMIT, "still running after {LIMIT:?}: {failing:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = child.output().expect("its output");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &error_output(&output);
    assert!(output.status.success(), "{}: {failing:?}\n{said}", output.status);
    let end = said.lines().find_map(|line| line.strip_prefix(RESULT)).expect("a result");
    let error = (end != SAVED).then(|| end.to_owned());
    let calls = std::fs::read_to_string(&log).expect("the log");
    std::fs::remove_file(&log).expect("remove");
    Run { error, output: said, calls: calls.lines().map(call).collect() }
}

fn command(fixture: &Fixture) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", "--ignored", "--nocapture", "system_calls::child::child"])
        .env("TEST_ENDPOINT", fixture.server.endpoint().replace("127.0.0.1", HOST))
        .env("TEST_FILE", fixture.target())
        .env("TEST_CHECKPOINTS", fixture.dir())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(ca) = fixture.server.ca_file() {
        command.env("TEST_CA", ca);
    }
    command
}

fn fail(command: &mut Command, failing: &Failing) {
    let error = match failing.how {
        How::Errno(number) => number.to_string(),
        How::Short => "short".to_owned(),
    };
    command
        .env("CALLS_FAIL", &failing.kind)
        .env("CALLS_NTH", failing.nth.to_string())
        .env("CALLS_TIMES", failing.times.to_string())
        .env("CALLS_ERRNO", error);
}

fn call(line: &str) -> Call {
    let mut words = line.split('\t').map(str::to_owned);
    let kind = words.next().expect("a kind");
    let object = words.next().expect("an object");
    Call { kind, object, failed: words.next().is_some() }
}

fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| preload::compiled("calls"))
}
