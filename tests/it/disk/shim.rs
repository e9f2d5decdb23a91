//! `tests/shim/disk.c`, compiled once and preloaded into a child.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::fixture::Fixture;
use crate::preload;

use super::child::{self, End};

/// All calls from the first one on.
pub const ALWAYS: usize = i32::MAX as usize;

/// The way in which a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Errno(i32),
    /// It does half of what was requested.
    Short,
    /// A write reports success but writes nothing.
    Lost,
    /// It never returns.
    Stuck,
    /// It is done after this time.
    Slow(Duration),
}

/// The calls that fail, and how.
#[derive(Clone, Copy, Debug)]
pub struct Failing<'a> {
    /// The kind, as in `disk.c`, or several separated by commas.
    pub call: &'a str,
    /// Only calls on paths that contain this.
    pub path: &'a str,
    /// The first call that fails, counted from 1 …
    pub nth: usize,
    /// … and how many fail.
    pub times: usize,
    pub how: How,
}

/// A call that `disk.c` recorded.
#[derive(Clone, Debug)]
pub struct Call {
    pub kind: String,
    /// For a rename or a link: two paths with an arrow between them.
    pub path: String,
    pub failed: bool,
}

/// Runs the child of [`child::command`] with failing calls; returns how it ended and the calls on the watched paths:
/// those of `failing`, else the fixture's.
pub fn run(fixture: &Fixture, choices: &str, failing: Option<Failing>) -> (End, Vec<Call>) {
    run_command(&mut child::command(fixture, choices), fixture, failing)
}

/// As [`run`], on a file system that claims to be NFS.
pub fn run_on_nfs(fixture: &Fixture, failing: Option<Failing>) -> (End, Vec<Call>) {
    run_command(child::command(fixture, "").env("DISK_NFS", "1"), fixture, failing)
}

/// Runs a [`child::command`]; returns how it ended, and the rights that the files in the fixture's directory had at
/// each moment.
pub fn run_for_rights(
    command: &mut Command,
    fixture: &Fixture,
    failing: Option<Failing>,
) -> (End, Vec<Moment>) {
    let (end, calls) = run_command(command.env("DISK_RIGHTS", "1"), fixture, failing);
    (end, calls.iter().filter(|call| call.kind == "rights").map(moment).collect())
}

/// The rights of a file that was just created or changed, or will be written.
#[derive(Clone, Debug)]
pub struct Moment {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub path: String,
}

fn moment(call: &Call) -> Moment {
    let words: Vec<_> = call.path.splitn(4, ' ').collect();
    let [mode, uid, gid, path] = words[..] else { panic!("no rights: {call:?}") };
    let number = |word: &str, radix| u32::from_str_radix(word, radix).expect("a number");
    Moment { mode: number(mode, 8), uid: number(uid, 10), gid: number(gid, 10), path: path.into() }
}

fn run_command(
    command: &mut Command,
    fixture: &Fixture,
    failing: Option<Failing>,
) -> (End, Vec<Call>) {
    let log = tempfile::NamedTempFile::new().expect("a log");
    preload(command.env("DISK_LOG", log.path()), fixture, failing);
    let end = child::run(command);
    let log = std::fs::read_to_string(log.path()).expect("the log");
    (end, log.lines().map(call).collect())
}

/// Preloads the shim into a [`child::command`].
pub fn preload(command: &mut Command, fixture: &Fixture, failing: Option<Failing>) {
    command.env("LD_PRELOAD", library());
    match failing {
        None => command.env("DISK_PATH", fixture.dir()),
        Some(failing) => fail(command, failing),
    };
}

fn fail<'a>(command: &'a mut Command, failing: Failing) -> &'a mut Command {
    let how = match failing.how {
        How::Errno(number) => number.to_string(),
        How::Short => "short".to_owned(),
        How::Lost => "lost".to_owned(),
        How::Stuck => "stuck".to_owned(),
        How::Slow(delay) => {
            command.env("DISK_DELAY", delay.as_millis().to_string());
            "slow".to_owned()
        }
    };
    command
        .env("DISK_PATH", failing.path)
        .env("DISK_CALL", failing.call)
        .env("DISK_NTH", failing.nth.to_string())
        .env("DISK_TIMES", failing.times.to_string())
        .env("DISK_ERRNO", how)
}

fn call(line: &str) -> Call {
    let (kind, rest) = line.split_once(' ').expect("a kind and a path");
    let path = rest.strip_suffix(" failed");
    Call { kind: kind.to_owned(), path: path.unwrap_or(rest).to_owned(), failed: path.is_some() }
}

fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| preload::compiled("disk"))
}
