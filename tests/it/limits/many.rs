//! Ten thousand downloads at once cost few threads and little memory.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use local_oss::Fault;
use oss_resumable::{AccessKey, Client, ClientOptions, Credentials, DownloadRequest, Phase};
use serde::{Deserialize, Serialize};

use crate::effort::figure;
use crate::fixture::{BUCKET, Fixture, ID, MIB, PART, SECRET};
use crate::process::alone::{Process, argument, tell};

const DOWNLOADS: usize = 10_000;

#[derive(Serialize, Deserialize)]
struct Setup {
    endpoint: String,
    directory: PathBuf,
    size: u64,
}

impl Setup {
    fn of(fixture: &Fixture, size: u64) -> Self {
        let directory = fixture.dir().to_owned();
        Setup { endpoint: fixture.server.endpoint(), directory, size }
    }

    fn client(&self) -> Client {
        let mut options = ClientOptions::new(&self.endpoint)
            .region("cn-hangzhou")
            .credentials(Credentials::Static(AccessKey::new(ID, SECRET, None)));
        (options.idle_timeout, options.first_byte_limit) = (None, None);
        Client::new(options).expect("client")
    }

    fn file(&self, n: usize) -> PathBuf {
        self.directory.join(format!("{n}.bin"))
    }

    fn request(&self, n: usize) -> DownloadRequest {
        let key = format!("generated/{}-seed{n}", self.size);
        let mut request = DownloadRequest::new(BUCKET, key);
        request.flush = false;
        request.deadline = Some(Duration::from_secs(280));
        request.file_path(self.file(n)).part_size(PART)
    }
}

/// A number from `/proc/self/status`.
fn status_of_process(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.expect("a number")
}

fn kib(name: &str) -> u64 {
    status_of_process(name) * 1024
}

#[derive(Debug, Serialize, Deserialize)]
struct Cost {
    threads_before: u64,
    most_threads: u64,
    memory: u64,
}

#[test]
#[ignore = "runs in a process of its own, which the other tests here start"]
fn ten_thousand_small_downloads() {
    let setup: Setup = argument();
    let (threads_before, memory_before) = (status_of_process("Threads"), kib("VmRSS"));
    let mut most_threads = 0;
    let mut look = || most_threads = status_of_process("Threads").max(most_threads);
    let client = setup.client();
    let start = |n| client.start(&setup.request(n)).expect("start");
    let downloads: Vec<_> = (0..DOWNLOADS).map(start).inspect(|_| look()).collect();
    for (n, download) in downloads.iter().enumerate() {
        while download.wait(Some(Duration::from_millis(1))).is_none() {
            look();
        }
        download.wait(None).expect("no limit").expect("download");
        assert_eq!(fs::metadata(setup.file(n)).expect("file").len(), setup.size);
        look();
    }
    tell(&Cost { threads_before, most_threads, memory: kib("VmHWM") - memory_before });
}

#[test]
fn ten_thousand_downloads_at_once_take_few_threads_and_96_mib() {
    const SIZE: u64 = 64 * 1024;
    let fixture = Fixture::new(1);
    let setup = Setup::of(&fixture, SIZE);
    let test = "limits::many::ten_thousand_small_downloads";
    let cost: Cost = Process::start(test, &setup).report();
    println!("{cost:?}");
    // The threads of the test itself count too.
    assert!(cost.most_threads <= 16 + 12, "{cost:?}");
    assert!(cost.memory <= 96 * MIB, "{cost:?}");
    assert_eq!(fixture.files().len(), DOWNLOADS, "no temporary file and no checkpoint is left");
    figure("10,000 downloads, ≤ 28 threads, ≤ 96 MiB");
}

#[test]
#[ignore = "runs in a process of its own, which the other tests here start"]
fn ten_thousand_queued_downloads() {
    let setup: Setup = argument();
    let client = setup.client();
    let with_checkpoint = |n| setup.request(n).checkpoint_dir(&setup.directory);
    let start = |n| client.start(&with_checkpoint(n)).expect("start");
    let first: Vec<_> = (0..16).map(start).collect();
    while first.iter().any(|download| download.status().active_connections == 0) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let (threads_before, memory_before) = (status_of_process("Threads"), kib("VmRSS"));
    let downloads: Vec<_> = (16..16 + DOWNLOADS).map(start).collect();
    let (most_threads, memory) = (status_of_process("Threads"), kib("VmRSS") - memory_before);
    for (n, download) in downloads.iter().enumerate() {
        let status = download.status();
        assert_eq!((status.phase, status.queue_position), (Phase::Queued, Some(n + 1)));
    }
    // Not in their order, so that the queue has to find each.
    for download in downloads.iter().skip(1).step_by(2).chain(downloads.iter().step_by(2)) {
        download.cancel();
        download.wait(Some(Duration::ZERO)).expect("it has ended").expect_err("cancelled");
    }
    tell(&Cost { threads_before, most_threads, memory });
}

#[test]
fn a_queued_download_takes_no_thread_and_4_kib() {
    let fixture = Fixture::new(1);
    fixture.server.inject(Fault::NoReply);
    let setup = Setup::of(&fixture, 1024);
    let test = "limits::many::ten_thousand_queued_downloads";
    let cost: Cost = Process::start(test, &setup).report();
    println!("{cost:?}, {} bytes each", cost.memory / DOWNLOADS as u64);
    // One thread watches the deadlines of all.
    assert!(cost.most_threads <= cost.threads_before + 1, "{cost:?}");
    assert!(cost.memory <= 4096 * DOWNLOADS as u64, "{cost:?}");
    assert_eq!(fixture.server.requests().len(), 16);
    figure("≤ 4 KiB each");
}
