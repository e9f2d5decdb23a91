//! One download in a process of its own, whose system calls can be made to fail and which may run without root's
//! rights.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::sync::Arc;

use oss_resumable::{AccessKey, Checkpoint, Client, ClientOptions, Credentials, DownloadRequest};
use oss_resumable::{Error, LogLevel, Outcome, Overwrite, WriteMode};

use crate::fixture::{BUCKET, Fixture, ID, KEY, PART, SECRET};

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Saved {
        reused: u64,
        fetched: u64,
    },
    Failed {
        code: String,
        errno: i32,
    },
    /// Killed by this signal.
    Killed(i32),
}

impl End {
    pub fn failed(code: &str, errno: i32) -> Self {
        End::Failed { code: code.to_owned(), errno }
    }
}

#[test]
#[ignore = "runs in a child process that the other tests here start"]
fn child() {
    let variable = |name: &str| std::env::var(name).expect("run by the other tests");
    let key = AccessKey::new(ID, SECRET, None);
    let mut options = ClientOptions::new(variable("TEST_ENDPOINT"))
        .region("cn-hangzhou")
        .credentials(Credentials::Static(key));
    options.max_attempts = 1;
    options.log_level = LogLevel::Info;
    options.log = Some(Arc::new(|_, line: &str| println!("\nlog: {line}")));
    let mut request = DownloadRequest::new(BUCKET, KEY)
        .file_path(variable("TEST_FILE"))
        .checkpoint_dir(variable("TEST_CHECKPOINTS"))
        .part_size(PART)
        .thread_num(1);
    for choice in variable("TEST_CHOICES").split_whitespace() {
        choose(&mut request, choice);
    }
    if let Ok(umask) = libc::mode_t::from_str_radix(&variable("TEST_UMASK"), 8) {
        user::set_umask(umask);
    }
    if variable("TEST_USER") == "nobody" {
        user::become_nobody();
    }
    let result = Client::new(options).and_then(|client| client.download(&request));
    println!("\n{END}{}", description(&result));
    if let Err(error) = result {
        println!("{error}");
    }
}

const END: &str = "result: ";

fn choose(request: &mut DownloadRequest, choice: &str) {
    match choice {
        "three-connections" => request.thread_num = 3,
        "no-checkpoint" => request.checkpoint = Checkpoint::Off,
        "no-flush" => request.flush = false,
        "no-space-check" => request.check_space = false,
        "spare-target" => request.overwrite = Overwrite::Fail,
        "preallocate" => request.preallocate = true,
        "set-time" => request.set_modified_time = true,
        "direct" => request.write_mode = WriteMode::Direct,
        "verify" => request.verify_before_rename = true,
        _ => panic!("no such choice: {choice}"),
    }
}

fn description(result: &Result<Outcome, Error>) -> String {
    match result {
        Ok(outcome) => {
            let figures = &outcome.statistics;
            format!("saved {} {}", figures.bytes_reused, figures.bytes_from_network)
        }
        Err(error) => format!("failed {} {}", error.code(), error.errno().unwrap_or(0)),
    }
}

/// [`child`], about to download [`Fixture::request`] on one connection, with these options of [`choose`].
pub fn command(fixture: &Fixture, choices: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", "--ignored", "--nocapture", "disk::child::child"])
        .env("TEST_ENDPOINT", fixture.server.endpoint())
        .env("TEST_FILE", fixture.target())
        .env("TEST_CHECKPOINTS", fixture.dir())
        .env("TEST_CHOICES", choices)
        .env("TEST_UMASK", "")
        .env("TEST_USER", "");
    command
}

/// Runs a [`command`].
pub fn run(command: &mut Command) -> End {
    end_of(command.output().expect("run"))
}

/// Parses the output of a [`command`].
pub fn end_of(output: Output) -> End {
    let Output { status, stdout, stderr } = output;
    if let Some(signal) = status.signal() {
        return End::Killed(signal);
    }
    let said = String::from_utf8_lossy(&stdout);
    let error_output = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{said}{error_output}");
    let line = said.lines().find_map(|line| line.strip_prefix(END)).expect("an end");
    let words: Vec<_> = line.split(' ').collect();
    let number = |word: &str| word.parse().expect("a number");
    match words[..] {
        ["saved", reused, fetched] => {
            End::Saved { reused: number(reused), fetched: number(fetched) }
        }
        ["failed", code, errno] => End::failed(code, errno.parse().expect("a number")),
        _ => panic!("no end: {line}"),
    }
}

#[allow(unsafe_code)]
mod user {
    const NOBODY: libc::uid_t = 65534;

    /// Gives up root's rights in all threads.
    pub fn become_nobody() {
        // SAFETY: neither call takes a pointer; libc changes all threads.
        let dropped = unsafe { libc::setgid(NOBODY) == 0 && libc::setuid(NOBODY) == 0 };
        assert!(dropped, "{}", std::io::Error::last_os_error());
    }

    pub fn set_umask(umask: libc::mode_t) {
        // SAFETY: the call takes no pointer and cannot fail.
        unsafe { libc::umask(umask) };
    }
}
