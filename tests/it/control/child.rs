//! A download in a process of its own, with a slow disk or a name service that does not answer.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use oss_resumable::{
    AccessKey, Client, ClientOptions, Credentials, Download, DownloadRequest, Phase,
};
use serde::{Deserialize, Serialize};

use super::{millis, wait_until};
use crate::disk::shim::{self, ALWAYS, Failing, How};
use crate::fixture::{BUCKET, Fixture, ID, KEY, SECRET};
use crate::process::alone::{Process, argument, tell};

/// Large enough that an extent is read in several blocks.
pub const PART: u64 = 8 * 1024 * 1024;

/// The download of such a process, and what the process does with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    endpoint: String,
    target: PathBuf,
    step: Step,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Step {
    /// Pauses this many times while the bytes of an earlier run are read back.
    PauseWhileProving(u32),
    /// Pauses this many times while the file is read back before its rename.
    PauseWhileFinishing(u32),
    /// Pauses once while the file is flushed, and does not resume.
    PauseWhileFlushing,
    /// Pauses when this many bytes have come, and does not resume.
    PauseForEver(u64),
    /// Pauses after this time, and cancels when it is paused.
    PauseAfter(Duration),
    /// Cancels when this many bytes have come.
    CancelAt(u64),
    /// Cancels in this phase, after this time.
    CancelIn(bool, Duration),
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub error: Option<String>,
    pub reused: u64,
    pub fetched: u64,
    /// How often the download was paused.
    pub pauses: u32,
    /// Bytes read from files.
    pub read: u64,
    /// From the cancel to the end, or from the pause until it was complete.
    pub took: Duration,
    /// From the cancel until another run could use the files.
    pub released_after: Duration,
}

impl Job {
    pub fn new(fixture: &Fixture, step: Step) -> Self {
        Job { endpoint: fixture.server.endpoint(), target: fixture.target(), step }
    }

    pub fn at(mut self, endpoint: String) -> Self {
        self.endpoint = endpoint;
        self
    }

    pub fn start(&self) -> Process {
        self.start_with(|_| {})
    }

    pub fn start_with(&self, change: impl FnOnce(&mut Command)) -> Process {
        Process::start_with("control::child::job", self, change)
    }

    /// Runs it with calls on its temporary file that each take this long.
    pub fn run_on_slow_disk(&self, fixture: &Fixture, call: &str, delay: Duration) -> Report {
        let path = "file.bin.temp";
        let failing = Failing { call, path, nth: 1, times: ALWAYS, how: How::Slow(delay) };
        self.start_with(|command| shim::preload(command, fixture, Some(failing))).report()
    }

    pub fn request(&self) -> DownloadRequest {
        let directory = self.target.parent().expect("a directory");
        let mut request = DownloadRequest::new(BUCKET, KEY)
            .file_path(&self.target)
            .checkpoint_dir(directory)
            .part_size(PART);
        request.verify_before_rename = matches!(self.step, Step::PauseWhileFinishing(_))
            || matches!(self.step, Step::CancelIn(true, _));
        request
    }

    fn client(&self) -> Client {
        let options = ClientOptions::new(&self.endpoint)
            .region("cn-hangzhou")
            .credentials(Credentials::Static(AccessKey::new(ID, SECRET, None)));
        Client::new(options).expect("client")
    }
}

/// Bytes that this process has read from files so far; those from sockets do not count.
fn read_so_far() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").expect("figures");
    let line = io.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("bytes read");
    line.parse().expect("a number")
}

/// Pauses and resumes in `phase`, as long as the download is in it.
fn pause_in(phase: Phase, times: u32, download: &Download) -> u32 {
    let in_phase = || download.status().phase == phase && download.status().bytes_total.is_some();
    wait_until("the phase", in_phase);
    let mut pauses = 0;
    for _ in 0..times {
        let has = |phase| download.status().phase == phase;
        std::thread::sleep(millis(50));
        download.pause();
        wait_until("a pause or the end", || has(Phase::Paused) || has(Phase::Succeeded));
        pauses += u32::from(has(Phase::Paused));
        download.resume();
    }
    pauses
}

#[test]
#[ignore = "runs in a process of its own, which the other tests here start"]
fn job() {
    let job: Job = argument();
    let client = job.client();
    let read_before = read_so_far();
    let download = client.start(&job.request()).expect("start");
    let mut pauses = 0;
    let (mut cancelled, mut took) = (None, Duration::ZERO);
    match job.step {
        Step::PauseWhileProving(times) => {
            pauses = pause_in(Phase::Transferring, times, &download);
        }
        Step::PauseWhileFinishing(times) => pauses = pause_in(Phase::Finishing, times, &download),
        Step::PauseWhileFlushing => {
            wait_until("the flush", || download.status().phase == Phase::Finishing);
            std::thread::sleep(millis(100));
            download.pause();
            std::thread::sleep(millis(100));
            pauses = u32::from(download.status().phase == Phase::Paused);
        }
        Step::PauseForEver(bytes) => {
            wait_until("bytes", || download.status().bytes_done >= bytes);
            download.pause();
        }
        Step::PauseAfter(delay) => {
            std::thread::sleep(delay);
            let asked = Instant::now();
            download.pause();
            wait_until("paused", || download.status().phase == Phase::Paused);
            took = asked.elapsed();
            download.cancel();
        }
        Step::CancelAt(bytes) => {
            wait_until("bytes", || download.status().bytes_done >= bytes);
            download.cancel();
            cancelled = Some(Instant::now());
        }
        Step::CancelIn(finishing, delay) => {
            let phase = if finishing { Phase::Finishing } else { Phase::Starting };
            wait_until("the phase", || download.status().phase == phase);
            std::thread::sleep(delay);
            download.cancel();
            cancelled = Some(Instant::now());
        }
    }
    let ended = download.wait(None).expect("an end");
    if let Some(at) = cancelled {
        took = at.elapsed();
        // Another run needs the same locks.
        job.client().discard_checkpoint(&job.request()).expect("nobody uses it");
    }
    let figures = download.status().statistics;
    tell(&Report {
        error: ended.err().map(|error| error.code().to_owned()),
        reused: figures.bytes_reused,
        fetched: figures.bytes_from_network,
        pauses,
        read: read_so_far() - read_before,
        took,
        released_after: cancelled.map_or(Duration::ZERO, |at| at.elapsed()),
    });
}
