//! Thousands of downloads that are paused, cancelled and reordered at random, while the credentials provider fails now
//! and then.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use local_oss::{Fault, Matcher};
use oss_resumable::{
    AccessKey, Client, ClientOptions, Credentials, CredentialsProvider, Download, DownloadRequest,
    ErrorKind, EventKind, EventQueue,
};
use serde::{Deserialize, Serialize};

use crate::effort::{Chance, cases, figure};
use crate::fixture::{BUCKET, Fixture, ID, PART, SECRET};
use crate::process::alone::{Process, argument, tell};

const SIZE: u64 = 64 * 1024;
/// One of so many calls of the provider fails.
const FAILS: u64 = 10;

#[derive(Serialize, Deserialize)]
struct Setup {
    endpoint: String,
    directory: PathBuf,
    downloads: usize,
}

impl Setup {
    fn file(&self, n: usize) -> PathBuf {
        self.directory.join(format!("{n}.bin"))
    }
}

fn key_of(n: usize) -> String {
    format!("generated/{SIZE}-seed{n}")
}

/// One of so many requests is refused because its key has expired.
const EXPIRES: u64 = 20;

#[derive(Clone, Default)]
struct Unreliable {
    calls: Arc<AtomicU64>,
}

impl CredentialsProvider for Unreliable {
    fn fetch(&self) -> Result<AccessKey, String> {
        if self.calls.fetch_add(1, Ordering::SeqCst) % FAILS == FAILS - 1 {
            return Err("out of order".to_owned());
        }
        Ok(AccessKey::new(ID, SECRET, None))
    }
}

impl Unreliable {
    fn failures(&self) -> u64 {
        self.calls.load(Ordering::SeqCst) / FAILS
    }
}

/// What happened to the downloads.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Report {
    succeeded: Vec<usize>,
    cancelled: usize,
    without_key: usize,
    /// Their key was refused.
    refused: usize,
    provider_failures: u64,
    pauses: usize,
}

fn entries(directory: &str) -> usize {
    fs::read_dir(directory).expect("a directory of /proc").count()
}

/// Pauses, resumes, cancels and reorders downloads at random until they have ended. Returns which ones were cancelled.
fn disturb(client: &Client, downloads: &[Download], report: &mut Report) -> Vec<bool> {
    let mut chance = Chance::new();
    let mut cancelled = vec![false; downloads.len()];
    let mut next_resumed = 0;
    while downloads.iter().any(|download| download.wait(Some(Duration::ZERO)).is_none()) {
        for _ in 0..50 {
            let n = chance.below(downloads.len() as u64) as usize;
            match chance.below(16) {
                0 => {
                    downloads[n].cancel();
                    cancelled[n] = true;
                }
                1..=5 => {
                    downloads[n].pause();
                    report.pauses += 1;
                }
                6 | 7 => downloads[n].set_priority((chance.below(5) as i32) - 2),
                8 if chance.below(20) == 0 => {
                    client.pause().expect("own process");
                    std::thread::sleep(Duration::from_millis(chance.below(3)));
                    client.resume().expect("own process");
                }
                _ => downloads[n].resume(),
            }
        }
        // Each paused download is resumed some time.
        for _ in 0..200 {
            downloads[next_resumed].resume();
            next_resumed = (next_resumed + 1) % downloads.len();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    cancelled
}

/// Reads all events; every download ends once, as its last event.
fn ends(queue: &EventQueue, downloads: usize) -> Vec<Result<(), ErrorKind>> {
    let mut ends = vec![None; downloads];
    let mut count = 0;
    while count < downloads {
        let event = queue.next(Some(Duration::from_secs(200))).expect("open").expect("an event");
        let end = &mut ends[event.tag as usize];
        assert_eq!(*end, None, "an event of {} after its end", event.tag);
        if let EventKind::Ended(result) = event.kind {
            *end = Some(result);
            count += 1;
        }
    }
    assert!(queue.next(Some(Duration::ZERO)).expect("open").is_none(), "nothing more");
    ends.into_iter().flatten().collect()
}

#[test]
#[ignore = "runs in a process of its own, which the other test here starts"]
fn many_disturbed_downloads() {
    let setup: Setup = argument();
    let before = [entries("/proc/self/task"), entries("/proc/self/fd")];
    let provider = Unreliable::default();
    let mut options = ClientOptions::new(&setup.endpoint).region("cn-hangzhou");
    options = options.credentials(Credentials::provider(provider.clone()));
    // So that a failed call of the provider and a refused key fail a download.
    options.max_attempts = 1;
    let client = Client::new(options).expect("client");
    let queue = EventQueue::new().expect("queue");
    let request = |n: usize| {
        let mut request = DownloadRequest::new(BUCKET, key_of(n)).file_path(setup.file(n));
        (request.flush, request.priority) = (false, (n % 3) as i32);
        request.part_size(PART).event_queue(&queue, n as u64)
    };
    let start = |n| client.start(&request(n)).expect("start");
    let downloads: Vec<_> = (0..setup.downloads).map(start).collect();
    let mut report = Report::default();
    let (told, ends) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| ends(&queue, downloads.len()));
        let told = disturb(&client, &downloads, &mut report);
        (told, reader.join().expect("events"))
    });

    for (n, download) in downloads.iter().enumerate() {
        let result = download.wait(Some(Duration::ZERO)).expect("it has ended");
        assert_eq!(result.as_ref().map(|_| ()).map_err(|error| error.kind()), ends[n]);
        match result {
            Ok(_) => report.succeeded.push(n),
            Err(error) if error.code() == "Cancelled" => {
                assert!(told[n], "nobody cancelled {n}");
                report.cancelled += 1;
            }
            Err(error) if error.code() == "SecurityTokenExpired" => report.refused += 1,
            Err(error) => {
                assert_eq!(error.code(), "CredentialsError", "{error}");
                report.without_key += 1;
            }
        }
    }
    report.provider_failures = provider.failures();
    drop((downloads, queue, client));
    let after = [entries("/proc/self/task"), entries("/proc/self/fd")];
    assert_eq!(after, before, "threads and open files are as before");
    tell(&report);
}

#[test]
fn thousands_of_downloads_end_right_or_as_told() {
    let fixture = Fixture::new(1);
    let expiries = fixture.server.inject_when(Matcher::any().every(EXPIRES), Fault::ExpiredToken);
    let setup = Setup {
        endpoint: fixture.server.endpoint(),
        directory: fixture.dir().to_owned(),
        downloads: cases(2000, 10_000) as usize,
    };
    let report: Report =
        Process::start("limits::unrest::many_disturbed_downloads", &setup).report();
    let Report { succeeded, cancelled, without_key, refused, provider_failures, pauses } = &report;
    println!("{} succeeded, {cancelled} were cancelled, {without_key} got no key", succeeded.len());
    println!("{provider_failures} failed calls, {refused} refused, {pauses} pauses");
    assert!(*refused as u64 <= fixture.server.fault_hits(expiries));
    assert!(*without_key as u64 <= *provider_failures, "a failed call fails one download");
    assert!(*cancelled > 0 && *without_key > 0 && *pauses > 0, "{cancelled} {without_key}");
    assert!(succeeded.len() > setup.downloads / 2);
    for n in succeeded {
        let bytes = fs::read(setup.file(*n)).expect("file");
        let expected = fixture.server.object_bytes(BUCKET, &key_of(*n), 0..SIZE);
        assert!(bytes == expected.expect("bytes"), "file {n}");
    }
    assert_eq!(fixture.files().len(), succeeded.len(), "no other file is left");
    figure(&format!("{} downloads", setup.downloads));
}
