//! A download in a process of its own, which these tests stop, interrupt and kill.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use oss_resumable::{
    AccessKey, ByteRange, Checkpoint, Client, ClientOptions, Credentials, DecryptionKey,
    DownloadRequest, Phase, WhenBusy, WriteMode,
};
use serde::{Deserialize, Serialize};

use super::alone::{Process, argument, tell};
use super::raw;
use crate::fixture::{BUCKET, Fixture, ID, KEY, PART, SECRET};

/// A download, and what else its process does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    pub endpoint: String,
    pub target: PathBuf,
    /// `None`: a failed run starts over.
    pub checkpoint_dir: Option<PathBuf>,
    pub part_size: u64,
    pub thread_num: u32,
    /// First and last byte.
    pub range: Option<(i64, i64)>,
    pub version_id: Option<String>,
    pub flush: bool,
    pub idle_timeout: Duration,
    /// Limit of the time without a byte, before and after the first one.
    pub no_progress: Duration,
    pub self_action: Option<SelfAction>,
    /// PEM.
    pub decryption_key: Option<String>,
    pub direct: bool,
    /// Waits for another process.
    pub waits: bool,
    /// `verify_before_rename`
    pub read_back: bool,
    pub expected: Expected,
}

/// Digests that the file must have, as texts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Expected {
    pub sha256: Option<String>,
    pub md5: Option<String>,
    pub crc64: Option<String>,
}

/// What a process does to itself while it downloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SelfAction {
    /// Kills itself this long after the last byte has arrived, when only completion remains.
    DieAtTheEnd(Duration),
    /// Has its own handler for SIGINT and reports how many signals it caught.
    CatchInterrupts,
    /// Cancels when its handler has caught a SIGINT.
    CancelOnInterrupt,
}

impl Job {
    /// The download of [`Fixture::request`].
    pub fn new(fixture: &Fixture) -> Self {
        Job {
            endpoint: fixture.server.endpoint(),
            target: fixture.target(),
            checkpoint_dir: Some(fixture.dir().to_owned()),
            part_size: PART,
            thread_num: 3,
            range: None,
            version_id: None,
            flush: false,
            idle_timeout: Duration::from_secs(10),
            no_progress: Duration::from_secs(60),
            self_action: None,
            decryption_key: None,
            direct: false,
            read_back: false,
            expected: Expected::default(),
            waits: false,
        }
    }

    /// Starts the process.
    pub fn start(&self) -> Process {
        Process::start("process::job::job", self)
    }

    fn client(&self) -> Client {
        let mut options = ClientOptions::new(&self.endpoint)
            .region("cn-hangzhou")
            .credentials(Credentials::Static(AccessKey::new(ID, SECRET, None)));
        options.idle_timeout = Some(self.idle_timeout);
        options.first_byte_limit = Some(self.no_progress);
        options.no_progress_limit = Some(self.no_progress);
        options.decryption_keys = self.decryption_key.iter().map(DecryptionKey::new).collect();
        Client::new(options).expect("client")
    }

    fn request(&self) -> DownloadRequest {
        let mut request = DownloadRequest::new(BUCKET, KEY);
        request.file_path = Some(self.target.clone());
        if let Some(directory) = &self.checkpoint_dir {
            request.checkpoint = Checkpoint::Directory(directory.clone());
        }
        request.part_size = self.part_size;
        request.thread_num = self.thread_num;
        request.range = self.range.map(|(start, end)| ByteRange { start, end });
        request.version_id.clone_from(&self.version_id);
        request.flush = self.flush;
        request.verify_before_rename = self.read_back;
        let Expected { sha256, md5, crc64 } = &self.expected;
        request.expected_sha256 = sha256.as_ref().map(|text| text.parse().expect("a SHA-256"));
        request.expected_md5 = md5.as_ref().map(|text| text.parse().expect("an MD5"));
        request.expected_crc64 = crc64.as_ref().map(|text| text.parse().expect("a CRC-64"));
        request.when_busy = if self.waits { WhenBusy::Wait } else { WhenBusy::Fail };
        request.write_mode = if self.direct { WriteMode::Direct } else { WriteMode::Auto };
        request
    }
}

#[test]
#[ignore = "runs in a process of its own, which the other tests here start"]
fn job() {
    let job: Job = argument();
    if matches!(job.self_action, Some(SelfAction::CatchInterrupts | SelfAction::CancelOnInterrupt))
    {
        raw::catch_interrupts();
    } else {
        raw::die_of_interrupts();
    }
    let client = job.client();
    let read_before = bytes_read();
    let started = Instant::now();
    let download = client.start(&job.request()).expect("start");
    if let Some(SelfAction::DieAtTheEnd(delay)) = job.self_action {
        while matches!(download.status().phase, Phase::Starting | Phase::Transferring) {
            std::thread::sleep(Duration::from_micros(50));
        }
        std::thread::sleep(delay);
        raw::kill_this_process();
    }
    let cancels = job.self_action == Some(SelfAction::CancelOnInterrupt);
    let ended = download.wait_with(None, &mut |_| !(cancels && raw::interrupts() > 0));
    let (error, reused) = match ended.expect("an end") {
        Ok(outcome) => (None, outcome.statistics.bytes_reused),
        Err(error) => (Some(error.to_string()), 0),
    };
    let took = started.elapsed();
    let read = bytes_read() - read_before;
    tell(&Report { error, reused, took, interrupts: raw::interrupts(), read });
}

/// Bytes that this process has read, except those of its sockets.
fn bytes_read() -> u64 {
    let figures = std::fs::read_to_string("/proc/self/io").expect("figures");
    let read = figures.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("rchar");
    read.parse().expect("a number")
}

/// The result of a [`Job`], as reported by its process.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub error: Option<String>,
    /// Bytes of earlier runs that were kept.
    pub reused: u64,
    pub took: Duration,
    /// SIGINTs that the process's handler caught.
    pub interrupts: u32,
    /// Bytes that the process read from files during the download.
    pub read: u64,
}

impl Process {
    pub fn into_report(self) -> Report {
        self.report()
    }

    /// Waits for the download's successful end; returns how many bytes of earlier runs it kept.
    pub fn reused(self) -> u64 {
        let report = self.into_report();
        assert_eq!(report.error, None);
        report.reused
    }
}
