//! SIGKILL at hundreds of moments, in many kinds of download; each killed run is followed by others until the end.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use local_oss::{Config, Fault, Object};

use super::job::{Expected, Job};
use crate::digests::sha256;
use crate::effort::{Chance, cases, figure};
use crate::fixture::{BUCKET, Fixture, KEY, MIB, directory_on_disk};
use crate::traffic::{merged, sent, total};

const KILLS: usize = 5;
const AT_ONCE: usize = 4;
/// Total time of all killed runs of a download …
const KILLED_AFTER_ALL: Duration = Duration::from_millis(1800);
/// … is shorter than the time for its bytes, so none of them can finish.
const DOWNLOAD_TAKES: Duration = Duration::from_millis(3500);
const OLD: &[u8] = b"the file that was there before";

/// A random download, and when its runs are killed.
#[derive(Debug)]
struct Plan {
    size: u64,
    part_size: u64,
    connections: u64,
    range: Option<(i64, i64)>,
    wanted: Range<u64>,
    /// The object was replaced, and the previous version is requested.
    old_version: bool,
    checkpoint_elsewhere: bool,
    flush: bool,
    target_exists: bool,
    /// Written directly, on a disk.
    direct: bool,
    /// Its SHA-256 is expected.
    expects_digest: bool,
    moments: Vec<Duration>,
}

impl Plan {
    fn new(chance: &mut Chance) -> Self {
        let large = *chance.pick(&[8, 24, 24, 64]) * MIB;
        let size = MIB / 2 + chance.below(large);
        let first = chance.below(size / 2);
        let last = size / 2 + chance.below(size / 2);
        let (range, wanted) = match chance.below(6) {
            0 => (Some((first as i64, -1)), first..size),
            1 => (Some((first as i64, last as i64)), first..last + 1),
            // The service clamps it to the object's end.
            2 => (Some((first as i64, (size + last) as i64)), first..size),
            _ => (None, 0..size),
        };
        Plan {
            size,
            part_size: *chance.pick(&[102_400, 262_144, 1_000_003, 4 * MIB, 8 * MIB, 1 << 30]),
            connections: *chance.pick(&[1, 2, 3, 3, 8, 32]),
            range,
            wanted,
            old_version: chance.below(4) == 0,
            checkpoint_elsewhere: chance.below(2) == 0,
            flush: chance.below(2) == 0,
            target_exists: chance.below(2) == 0,
            direct: chance.below(2) == 0,
            expects_digest: chance.below(2) == 0,
            moments: moments(chance),
        }
    }

    /// Bytes per second and connection.
    fn rate(&self) -> u64 {
        let bytes = self.wanted.end - self.wanted.start;
        (bytes as f64 / self.connections as f64 / DOWNLOAD_TAKES.as_secs_f64()) as u64
    }

    /// Most bytes that one kill may cost: on each connection, the bytes that are younger than a second, in an
    /// incomplete part or in a buffer of 1 MiB, and never more than 8 MiB. On a busy machine the bytes of half a second
    /// may not even have been read.
    fn cost_of_a_kill(&self) -> u64 {
        let unread = self.rate() / 2;
        let unrecorded = (8 * MIB).min(self.part_size + MIB).min(self.rate() * 3 / 2);
        self.connections * (unrecorded + unread)
    }
}

/// Random moments, many soon and a few late, [`KILLED_AFTER_ALL`] in total.
fn moments(chance: &mut Chance) -> Vec<Duration> {
    let weights: Vec<f64> = (0..KILLS).map(|_| chance.fraction().powi(2) + 1e-6).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| KILLED_AFTER_ALL.mul_f64(weight / sum)).collect()
}

/// A download by [`Plan`], and its totals.
struct Killed {
    plan: Plan,
    fixture: Fixture,
    elsewhere: tempfile::TempDir,
    job: Job,
    expected: Vec<u8>,
    requests: usize,
    fetched: Vec<Range<u64>>,
    /// Bytes that arrived again, over all runs. A run that is killed early leaves bytes lost by an earlier run to a
    /// later one, so a bound for each run is not possible.
    twice: u64,
    lost_at_most: u64,
}

impl Killed {
    fn new(plan: Plan) -> Self {
        let config = Config { versioning: plan.old_version, ..Config::default() };
        let dir = if plan.direct { directory_on_disk() } else { tempfile::tempdir().expect("dir") };
        let fixture = Fixture::in_directory(dir, config, Object::pattern(plan.size, 7));
        let expected =
            fixture.server.object_bytes(BUCKET, KEY, plan.wanted.clone()).expect("object");
        let version = fixture.server.object(BUCKET, KEY).expect("object").version_id().to_owned();
        if plan.old_version {
            fixture.server.replace(BUCKET, KEY);
        }
        if plan.target_exists {
            fs::write(fixture.target(), OLD).expect("the old file");
        }
        fixture.server.inject(Fault::RateLimit(plan.rate()));
        let elsewhere = tempfile::tempdir().expect("directory");
        let checkpoint_dir =
            if plan.checkpoint_elsewhere { elsewhere.path() } else { fixture.dir() };
        let job = Job {
            checkpoint_dir: Some(checkpoint_dir.to_owned()),
            part_size: plan.part_size,
            thread_num: plan.connections as u32,
            range: plan.range,
            version_id: plan.old_version.then_some(version),
            flush: plan.flush,
            direct: plan.direct,
            expected: Expected {
                sha256: plan.expects_digest.then(|| sha256(&expected).to_string()),
                ..Expected::default()
            },
            ..Job::new(&fixture)
        };
        Killed {
            plan,
            fixture,
            elsewhere,
            job,
            expected,
            requests: 0,
            fetched: Vec::new(),
            twice: 0,
            lost_at_most: 0,
        }
    }

    /// The old file stays until the new one is complete.
    fn assert_old_target(&self) {
        let there = fs::read(self.fixture.target()).ok();
        assert_eq!(there.as_deref(), self.plan.target_exists.then_some(OLD), "{:?}", self.plan);
    }

    /// Adds a run to the totals and returns the bytes that arrived. Bytes that arrive twice in one run are not caused
    /// by the kill.
    fn account(&mut self) -> u64 {
        let sent = merged(self.fixture.requests_after(self.requests).iter().map(sent));
        self.requests = self.fixture.server.requests().len();
        let (before, came) = (total(&self.fetched), total(&sent));
        self.fetched = merged(self.fetched.drain(..).chain(sent));
        self.twice += came - (total(&self.fetched) - before);
        let (twice, most, plan) = (self.twice, self.lost_at_most, &self.plan);
        assert!(twice <= most, "{twice} bytes arrived again, {most} may be lost: {plan:?}");
        came
    }

    fn run(mut self) {
        for moment in self.plan.moments.clone() {
            let process = self.job.start();
            std::thread::sleep(moment);
            assert!(process.kill(), "it had ended before {moment:?}: {:?}", self.plan);
            let came = self.account();
            self.lost_at_most += came.min(self.plan.cost_of_a_kill());
            self.assert_old_target();
        }
        self.fixture.server.clear_faults();
        self.job.start().reused();
        self.account();
        let plan = &self.plan;
        assert_eq!(self.fetched, std::slice::from_ref(&plan.wanted), "{plan:?}");
        assert!(fs::read(self.fixture.target()).expect("the file") == self.expected, "{plan:?}");
        assert_eq!(self.fixture.files(), ["file.bin"], "{plan:?}");
        assert!(left_in(self.elsewhere.path().to_owned()).is_empty(), "{plan:?}");
    }
}

fn left_in(directory: PathBuf) -> Vec<PathBuf> {
    fs::read_dir(directory).expect("list").map(|entry| entry.expect("entry").path()).collect()
}

#[test]
fn every_kind_of_download_killed_at_300_random_moments_completes_and_fetches_little_twice() {
    let downloads = cases(60, 600) as usize;
    let mut chance = Chance::new();
    let plans = Mutex::new(
        std::iter::repeat_with(|| Plan::new(&mut chance)).take(downloads).collect::<Vec<_>>(),
    );
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(plan) = { plans.lock().expect("plans").pop() } {
                    Killed::new(plan).run();
                }
            });
        }
    });
    figure(&format!("{} kills in {downloads} downloads", downloads * KILLS));
}
