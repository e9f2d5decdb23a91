//! Plays lives.
//!
//! `SIMULATED_LIVES` is their number and `FIRST_SEED` the first seed; `SIMULATED_SEED` plays the life of one seed and
//! tells its story.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::disk::{Call, Failure, Reason};
use super::plan::{
    End, FaultKind, Moment, Plan, RequestFault, RequestPlan, RunPlan, SdkPlan, Start, Throttling,
    Which,
};
use super::shrink::shrink;
use super::universe::{Played, Violation, play};

/// Lives without a variable that says how many.
const LIVES: u64 = 20_000;
/// Seeds that fail before no others are played.
const ENOUGH: usize = 5;
/// A life that takes longer computes for ever.
const ENDLESS: Duration = Duration::from_secs(15);

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Plays a life. A panic of the simulator is a violation too.
fn played(plan: &Plan, tells: bool) -> Played {
    catch_unwind(AssertUnwindSafe(|| play(plan, tells))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let what = text.unwrap_or_default().to_owned();
        let violation = Some(Violation { promise: "the simulator works", what });
        let (story, ends, runs) = (Vec::new(), Vec::new(), Vec::new());
        Played { violation, story, happenings: 0, ends, runs }
    })
}

/// The simplest life that breaks the same promise as that of `plan`, as a text.
fn explained(plan: &Plan, violation: &Violation) -> String {
    let plan = shrink(plan, violation);
    let Played { violation, story, .. } = played(&plan, true);
    let what = violation.map(|violation| format!("{}: {}", violation.promise, violation.what));
    let seed = plan.seed;
    format!(
        "{plan:#?}\n\n{}\n\n{}\n\nSIMULATED_SEED={seed} tells the whole life",
        story.join("\n"),
        what.unwrap_or_default()
    )
}

#[test]
fn lives_keep_every_promise() {
    if let Some(seed) = variable("SIMULATED_SEED") {
        return tell(seed);
    }
    let lives = variable("SIMULATED_LIVES").unwrap_or(LIVES);
    let first = variable("FIRST_SEED").unwrap_or(0);
    let begun = Instant::now();
    let Census { failed, happenings, ends } = play_all(first, lives);
    let (took, each) = (begun.elapsed().as_secs_f64(), happenings / lives.max(1));
    let rate = lives as f64 / took;
    println!("{lives} lives, {each} happenings in each, {rate:.0} in a second");
    ends.iter().for_each(|(end, count)| println!("{count:8} {end}"));
    if let Some((seed, violation)) = failed.first() {
        for (seed, violation) in &failed {
            println!("seed {seed}: {}: {}", violation.promise, violation.what);
        }
        let explained = explained(&Plan::of(*seed), violation);
        panic!("{} lives break a promise; seed {seed}, simplified:\n{explained}", failed.len());
    }
    figure(&format!("{lives} lives"));
}

/// What a thread is playing: the seed, and since when.
type Playing = Mutex<Option<(u64, Instant)>>;

/// How lives went.
#[derive(Default)]
struct Census {
    /// The seeds of those that broke a promise.
    failed: Vec<(u64, Violation)>,
    happenings: u64,
    /// How runs ended, and how often.
    ends: BTreeMap<String, u64>,
}

/// Plays the lives of `lives` seeds on all processors.
fn play_all(first: u64, lives: u64) -> Census {
    let next = AtomicU64::new(first);
    let census = Mutex::new(Census::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let playing: Vec<Playing> = (0..threads).map(|_| Mutex::new(None)).collect();
    let running = AtomicU64::new(threads as u64);
    std::thread::scope(|scope| {
        for playing in &playing {
            scope.spawn(|| {
                while census.lock().failed.len() < ENOUGH {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + lives {
                        break;
                    }
                    *playing.lock() = Some((seed, Instant::now()));
                    let Played { violation, happenings, ends, .. } = played(&Plan::of(seed), false);
                    let mut census = census.lock();
                    census.happenings += happenings;
                    census.failed.extend(violation.map(|violation| (seed, violation)));
                    ends.into_iter().for_each(|end| *census.ends.entry(end).or_default() += 1);
                }
                *playing.lock() = None;
                running.fetch_sub(1, Ordering::Relaxed);
            });
        }
        while running.load(Ordering::Relaxed) > 0 {
            std::thread::sleep(Duration::from_millis(20));
            playing.iter().for_each(abort_if_endless);
        }
    });
    let mut census = census.into_inner();
    census.failed.sort_by_key(|(seed, _)| *seed);
    census
}

/// Nothing else can end a driver that computes for ever.
fn abort_if_endless(playing: &Playing) {
    if let Some((seed, since)) = *playing.lock()
        && since.elapsed() > ENDLESS
    {
        eprintln!("test transfer::simulation::tests::lives_keep_every_promise ... FAILED");
        eprintln!("the life of seed {seed} does not end: SIMULATED_SEED={seed} plays it");
        std::process::abort();
    }
}

fn tell(seed: u64) {
    let plan = Plan::of(seed);
    let Played { violation, story, happenings, .. } = played(&plan, true);
    println!("{plan:#?}\n\n{}\n\n{happenings} happenings", story.join("\n"));
    if let Some(violation) = violation {
        panic!("{}\n\n{}: {}", explained(&plan, &violation), violation.promise, violation.what);
    }
}

/// Records a figure of this test for docs/reliability.md.
fn figure(text: &str) {
    let directory = std::env::var_os("CARGO_TARGET_DIR").map(std::path::PathBuf::from);
    let directory =
        directory.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"));
    let directory = directory.join("tmp/figures");
    std::fs::create_dir_all(&directory).expect("a directory for figures");
    let test = std::thread::current().name().expect("called on the test's own thread").to_owned();
    std::fs::write(directory.join(test), text).expect("a figure");
}

/// Lives that once broke a promise, as seeds. Their plans may have changed with what plans are drawn from.
const ONCE_FAILED: [(u64, &str); 7] = [
    (38_452, "a journal whose directory could not be flushed stayed in the way: Busy"),
    (217_043, "bytes of a single stream that the disk had damaged counted as a broken connection"),
    (2_047_233, "after a 416 the whole object was fetched beside the recorded bytes: stored twice"),
    (2_058_959, "a retry without a delay, for want of a key, was never made"),
    (800_176, "a record of the SDK that could not be read stayed, and its bytes were changed"),
    (
        3_607_264,
        "a new start did not wait as long as a refusal of an aborted request had asked for",
    ),
    (5_252_538, "a refusal of an aborted request did not lower the number of connections"),
];

#[test]
fn each_seed_that_once_failed() {
    for (seed, found) in ONCE_FAILED {
        let violation = played(&Plan::of(seed), false).violation;
        assert_eq!(violation, None, "seed {seed}, which found: {found}");
    }
}

/// The lives in which these defects were found, without what is not needed for that.
#[test]
fn each_life_that_once_failed() {
    let journal_stays = |plan: &mut Plan| {
        // The checksum of byte 500 is wrong, and the disk damages a block, so that the journal is rewritten.
        plan.faults.push(RequestFault { which: Which::Number(0), kind: FaultKind::Flip(500) });
        plan.disk.corrupt_writes.push(5);
        plan.object.appendable = true;
        let (call, reason) = (Call::FlushJournalDirectory, Reason::Io);
        plan.disk.failures.push(Failure { call, nth: 1, times: 1, reason });
    };
    let stream_is_damaged = |plan: &mut Plan| {
        plan.service.ignores_ranges = true;
        (plan.disk.trusted, plan.disk.locks) = (false, false);
        plan.disk.corrupt_writes.push(9);
        plan.runs[0].client.max_attempts = 1;
    };
    let record_is_unreadable = |plan: &mut Plan| {
        plan.sdk = Some(SdkPlan::Right);
        let (call, reason) = (Call::FindSdkRecord, Reason::Io);
        plan.disk.failures.push(Failure { call, nth: 0, times: 1, reason });
    };
    let stream_is_paused = |plan: &mut Plan| {
        // The first reply, which shows that it is a stream, is in the inbox when the pause is noticed.
        plan.service.ignores_ranges = true;
        (plan.path.tls, plan.path.round_trip) = (false, Duration::from_millis(1));
        plan.path.latency = Duration::from_secs(1);
        plan.runs[0].pauses.push((Duration::from_micros(1), Duration::from_secs(2)));
        plan.runs[0].client.max_attempts = 1;
    };
    let lives: [fn(&mut Plan); 4] =
        [journal_stays, stream_is_damaged, record_is_unreadable, stream_is_paused];
    for change in lives {
        let mut plan = Plan::quiet(1);
        change(&mut plan);
        let Played { violation, story, ends, .. } = played(&plan, true);
        assert_eq!(violation, None, "{}", story.join("\n"));
        assert_eq!(ends, ["ObjectCrc"], "{}", story.join("\n"));
    }
}

/// The bytes whose flush fails stay in the page cache, where the next run finds them, and no later flush writes them.
#[test]
fn a_run_that_is_killed_around_a_failed_flush_leaves_no_bytes_that_are_not_on_the_disk() {
    // The seed decides whether the page cache keeps them.
    for (seed, step) in (1..6).flat_map(|seed| (0..40).map(move |step| (seed, step))) {
        let mut plan = Plan::quiet(seed);
        plan.object.size = 1000;
        let (call, reason) = (Call::Flush, Reason::Full);
        plan.disk.failures.push(Failure { call, nth: 0, times: 1, reason });
        plan.runs.extend([RunPlan::quiet(), RunPlan { power_fails: true, ..RunPlan::quiet() }]);
        plan.runs[0].end = Some(End::Kill(Moment::DiskStep(step)));
        assert_eq!(played(&plan, false).violation, None, "seed {seed}, killed before step {step}");
    }
}

#[test]
fn a_fleet_of_processes_shares_a_service_that_throttles() {
    let mut plan = Plan::quiet(7);
    plan.object.size = 4 << 20;
    plan.path.link = Some(200 << 20);
    plan.service.requests_per_second = Some(50);
    plan.service.throttles_with = Throttling::TooManyRequests;
    let run = |target| {
        let start = Start::With(Duration::from_millis(2));
        let request = RequestPlan { target, ..RequestPlan::default() };
        RunPlan { start, request, ..RunPlan::quiet() }
    };
    plan.runs = (0..200).map(run).collect();
    let Played { violation, ends, .. } = played(&plan, false);
    assert_eq!(violation, None);
    assert!(ends.iter().all(|end| end == "ObjectCrc"), "{ends:?}");
}

#[test]
fn a_quiet_life_costs_one_request_more_than_it_has_connections() {
    let Played { violation, story, .. } = played(&Plan::quiet(1), true);
    assert_eq!(violation, None, "{}", story.join("\n"));
    assert_eq!(story.iter().filter(|line| line.contains(" on slot ")).count(), 4);
}
