//! `tests/shim/calls.c`, preloaded into the child.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::fixture::Fixture;
use crate::preload;
use crate::program::running;

/// The server's name, which the child looks up in the file `hosts`.
pub const HOST: &str = "oss.example";
/// The calls between these two count.
pub const BEGIN: &str = "/calls/begin";
pub const END: &str = "/calls/end";
/// What the child prints before its error, or before [`SAVED`].
pub const RESULT: &str = "result: ";
pub const SAVED: &str = "saved";

/// The way in which a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Errno(i32),
    /// It does half of what was requested.
    Short,
}

/// A call that fails.
#[derive(Clone, Debug)]
pub struct Failing {
    /// The kind, as in `calls.c`.
    pub kind: String,
    /// Counted from 1.
    pub nth: usize,
    pub how: How,
}

/// A call that the child made.
#[derive(Clone, Debug)]
pub struct Call {
    pub kind: String,
    pub object: String,
    pub failed: bool,
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    /// The error's code and message; `None` after a success.
    pub error: Option<String>,
    pub output: String,
    pub calls: Vec<Call>,
    pub took: Duration,
}

/// The files in /etc with which names are looked up.
pub fn etc() -> tempfile::TempDir {
    let etc = tempfile::tempdir().expect("directory");
    let write = |name, text: &str| std::fs::write(etc.path().join(name), text).expect("write");
    write("hosts", &format!("127.0.0.1 localhost\n127.0.0.1 {HOST}\n"));
    write("nsswitch.conf", "hosts: files\n");
    etc
}

/// Runs the child; the calls are those of its download.
pub fn run(fixture: &Fixture, etc: &Path, failing: Option<&Failing>, limit: Duration) -> Run {
    let log = fixture.dir().with_extension("calls");
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args([
            "--exact",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
            "system_calls::child::child",
        ])
        .env("TEST_ENDPOINT", fixture.server.endpoint().replace("127.0.0.1", HOST))
        .env("TEST_FILE", fixture.target())
        .env("TEST_CHECKPOINTS", fixture.dir())
        .env("LD_PRELOAD", library())
        .env("CALLS_LOG", &log)
        .env("CALLS_ETC", etc)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(ca) = fixture.server.ca_file() {
        command.env("TEST_CA", ca);
    }
    if let Some(failing) = failing {
        let error = match failing.how {
            How::Errno(number) => number.to_string(),
            How::Short => "short".to_owned(),
        };
        command
            .env("CALLS_FAIL", &failing.kind)
            .env("CALLS_NTH", failing.nth.to_string())
            .env("CALLS_ERRNO", error);
    }
    let started = Instant::now();
    let mut child = running(&mut command);
    while child.is_alive() {
        assert!(started.elapsed() < limit, "{failing:?}: still running after {limit:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
    let took = started.elapsed();
    let output = child.output().expect("its output");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{failing:?}: {}\n{said}{complaint}", output.status);
    let calls = std::fs::read_to_string(&log).expect("the log");
    std::fs::remove_file(&log).expect("remove");
    let end = said.lines().find_map(|line| line.strip_prefix(RESULT)).expect("a result");
    Run {
        error: (end != SAVED).then(|| end.to_owned()),
        output: format!("{said}{complaint}"),
        calls: calls.lines().map(call).collect(),
        took,
    }
}

fn call(line: &str) -> Call {
    let mut words = line.split('\t');
    let mut word = || words.next().map(str::to_owned);
    Call {
        kind: word().expect("a kind"),
        object: word().expect("an object"),
        failed: word().is_some(),
    }
}

fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| preload::compiled("calls"))
}
