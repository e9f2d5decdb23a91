//! Many downloads, after which nothing is left in the process.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use local_oss::{Config, Fault, Object, Pattern, Tls};
use oss_resumable::{AccessKey, Client, ClientOptions, Credentials, DownloadRequest};
use serde::{Deserialize, Serialize};

use super::alone::{Process, argument, tell};
use super::raw;
use crate::effort::{Chance, cases, figure};
use crate::fixture::{BUCKET, Fixture, ID, MIB, SECRET};

/// The sources and the destinations of a process's downloads.
#[derive(Serialize, Deserialize)]
struct Setup {
    /// Endpoints, each with the CA file for its certificate.
    services: Vec<(String, Option<PathBuf>)>,
    directory: PathBuf,
    downloads: u64,
}

impl Setup {
    fn new(fixtures: &[&Fixture], downloads: u64) -> Self {
        let service = |fixture: &&Fixture| {
            (fixture.server.endpoint(), fixture.server.ca_file().map(PathBuf::from))
        };
        let directory = fixtures[0].dir().to_owned();
        Setup { services: fixtures.iter().map(service).collect(), directory, downloads }
    }

    fn client(&self, n: usize) -> Client {
        let (endpoint, ca_file) = &self.services[n % self.services.len()];
        let mut options = ClientOptions::new(endpoint)
            .region("cn-hangzhou")
            .credentials(Credentials::Static(AccessKey::new(ID, SECRET, None)));
        options.ca_file.clone_from(ca_file);
        options.max_workers = 2;
        options.max_active_downloads = 64;
        Client::new(options).expect("client")
    }

    fn file(&self, n: u64) -> PathBuf {
        self.directory.join(format!("{n}.bin"))
    }

    fn request(&self, n: u64, size: u64) -> DownloadRequest {
        let mut request = DownloadRequest::new(BUCKET, format!("generated/{size}-seed{n}"));
        request.file_path = Some(self.file(n));
        request.flush = false;
        request.checkpoint_dir(&self.directory).part_size(102_400)
    }
}

/// The resources of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Resources {
    /// By name.
    threads: BTreeMap<String, u32>,
    descriptors: usize,
    resident_bytes: u64,
}

impl Resources {
    fn now() -> Self {
        raw::give_free_memory_back();
        let mut threads = BTreeMap::new();
        for task in fs::read_dir("/proc/self/task").expect("tasks").flatten() {
            // A thread that has just ended does not exist any more.
            let Ok(name) = fs::read_to_string(task.path().join("comm")) else { continue };
            *threads.entry(name.trim_end().to_owned()).or_default() += 1;
        }
        let descriptors = fs::read_dir("/proc/self/fd").expect("descriptors").count();
        let pages = fs::read_to_string("/proc/self/statm").expect("statm");
        let resident: u64 = pages.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("pages");
        Resources { threads, descriptors, resident_bytes: resident * 4096 }
    }

    fn of_the_library(&self) -> u32 {
        self.threads.iter().filter(|(name, _)| name.starts_with("oss-")).map(|(_, n)| n).sum()
    }
}

#[test]
#[ignore = "runs in a process of its own, which the other tests here start"]
fn small_downloads() {
    raw::share_memory_pools();
    let setup: Setup = argument();
    let mut chance = Chance::new();
    let mut all = |downloads: u64| {
        const OF_A_CLIENT: u64 = 50;
        const AT_ONCE: u64 = 5;
        for first in (0..downloads).step_by(OF_A_CLIENT as usize) {
            let client = setup.client((first / OF_A_CLIENT) as usize);
            for batch in (first..(first + OF_A_CLIENT).min(downloads)).step_by(AT_ONCE as usize) {
                let sizes: Vec<_> = (0..AT_ONCE).map(|_| chance.below(250_000)).collect();
                let start = |(n, size)| client.start(&setup.request(n, size)).expect("start");
                let running: Vec<_> = (batch..).zip(sizes.iter().copied()).map(start).collect();
                for ((n, size), download) in (batch..).zip(&sizes).zip(running) {
                    download.wait(None).expect("an end").expect("download");
                    assert_is_pattern(&setup.file(n), *size, n);
                }
            }
            client.shutdown();
        }
    };
    // Allocations made once per process, such as OpenSSL's tables, do not count.
    all(200);
    let before = Resources::now();
    all(setup.downloads);
    tell(&(before, Resources::now()));
}

fn assert_is_pattern(file: &Path, size: u64, seed: u64) {
    let mut expected = vec![0; size as usize];
    Pattern::new(size, seed).fill(0, &mut expected);
    assert!(fs::read(file).expect("the file") == expected, "{}", file.display());
    fs::remove_file(file).expect("remove");
}

#[test]
fn after_1000_small_downloads_no_threads_descriptors_or_memory_are_leaked() {
    let plain = Fixture::new(1);
    let config = Config { tls: Some(Tls::Valid), ..Config::default() };
    let secure = Fixture::with(config, Object::bytes([]));
    let downloads = u64::from(cases(1000, 10_000));
    let setup = Setup::new(&[&plain, &secure], downloads);
    let (before, after): (Resources, Resources) =
        Process::start("process::stress::small_downloads", &setup).report();
    println!("{before:?}, then {after:?}");
    assert_eq!(after.of_the_library(), 0, "{after:?}");
    assert_eq!(after.threads, before.threads);
    assert_eq!(after.descriptors, before.descriptors);
    // 4 KiB for each download would be as much; the allocator keeps between one and three.
    let most = before.resident_bytes + 4 * MIB;
    assert!(after.resident_bytes <= most, "{before:?}, then {after:?}");
    assert!(plain.files().is_empty(), "{:?}", plain.files());
    assert!(secure.server.requests().len() as u64 > downloads / 3);
    figure(&format!("{downloads} downloads"));
}

#[test]
#[ignore = "runs in a process of its own, which the other tests here start"]
fn downloads_at_once() {
    let setup: Setup = argument();
    let client = setup.client(0);
    let before = Resources::now();
    let start = |n| client.start(&setup.request(n, MIB)).expect("start");
    let running: Vec<_> = (0..setup.downloads).map(start).collect();
    // A second connection, and with it the second transfer thread, is opened when the rate of the first one is known.
    let statuses = || running.iter().map(oss_resumable::Download::status);
    while statuses().any(|status| status.bytes_done == 0)
        || statuses().all(|status| status.statistics.requests < 2)
    {
        std::thread::sleep(Duration::from_millis(10));
    }
    let during = Resources::now();
    for (n, download) in (0..).zip(&running) {
        download.wait(None).expect("an end").expect("download");
        assert_is_pattern(&setup.file(n), MIB, n);
    }
    client.shutdown();
    tell(&(before, during, Resources::now()));
}

#[test]
fn sixty_four_concurrent_downloads_share_their_client_s_few_threads() {
    const DOWNLOADS: u64 = 64;
    let fixture = Fixture::new(1);
    fixture.server.inject(Fault::RateLimit(MIB / 6));
    let setup = Setup::new(&[&fixture], DOWNLOADS);
    let (before, during, after): (Resources, Resources, Resources) =
        Process::start("process::stress::downloads_at_once", &setup).report();
    println!("{before:?}, {during:?}, then {after:?}");
    assert_eq!(before.of_the_library(), 0);
    let count = |name: &str| during.threads.get(name).copied().unwrap_or(0);
    assert_eq!(count("oss-download"), 64, "a driver each: {during:?}");
    assert_eq!(count("oss-transfer"), 2, "as many as the client allows: {during:?}");
    // Writer threads start when the disk is slow, four at most.
    assert!(during.of_the_library() <= 64 + 2 + 4, "{during:?}");
    assert_eq!(after.threads, before.threads);
    assert_eq!(after.descriptors, before.descriptors);
    assert!(fixture.files().is_empty(), "{:?}", fixture.files());
}
