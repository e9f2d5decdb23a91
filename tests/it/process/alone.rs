//! A test in a process of its own.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::raw;

const ARGUMENT: &str = "TEST_ARGUMENT";
/// Prefix of the line in which a process reports its result.
const REPORT_PREFIX: &str = "report: ";

/// Longest life of such a process, in seconds, in case its test hangs.
const LIFETIME: u32 = 300;

/// The argument of this process.
pub fn argument<T: DeserializeOwned>() -> T {
    raw::die_after(LIFETIME);
    let text = std::env::var(ARGUMENT).expect("run by the other tests");
    serde_json::from_str(&text).expect("an argument")
}

/// Reports to the process that started this one.
pub fn tell(report: &impl Serialize) {
    println!("\n{REPORT_PREFIX}{}", serde_json::to_string(report).expect("JSON"));
}

/// A process that runs an ignored test of this program; killed when dropped.
pub struct Process {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub fn start(test: &str, argument: &impl Serialize) -> Self {
        Self::start_with(test, argument, |_| {})
    }

    /// As [`Process::start`], with a change to the command.
    pub fn start_with(
        test: &str,
        argument: &impl Serialize,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .args(["--exact", "--ignored", "--nocapture", test])
            .env(ARGUMENT, serde_json::to_string(argument).expect("JSON"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        change(&mut command);
        let mut child = command.spawn().expect("a process");
        let output = BufReader::new(child.stdout.take().expect("its output")).lines();
        Process { child, output }
    }

    /// The process.
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// Kills it with SIGKILL; returns `false` if it had already ended.
    pub fn kill(mut self) -> bool {
        let alive = self.child.try_wait().expect("its state").is_none();
        self.child.kill().and_then(|()| self.child.wait()).expect("kill");
        alive
    }

    /// How it ended.
    pub fn status(mut self) -> ExitStatus {
        self.child.wait().expect("an end")
    }

    /// Waits for its successful end and returns its report.
    pub fn report<T: DeserializeOwned>(mut self) -> T {
        let lines: Vec<String> = self.output.by_ref().map_while(Result::ok).collect();
        let report = lines.iter().rev().find_map(|line| line.strip_prefix(REPORT_PREFIX));
        let report = report.and_then(|json| serde_json::from_str(json).ok());
        let status = self.status();
        report.filter(|_| status.success()).unwrap_or_else(|| panic!("{status}: {lines:?}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}
