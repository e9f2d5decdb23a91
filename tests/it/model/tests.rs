//! Runs the model, and tests that the reference detects wrong results.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use oss_resumable::{ErrorKind, Proof, Statistics};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::generate::plans;
use super::harness::play;
use super::plan::*;
use super::reference::{Ended, Observed, Recorded, World};
use crate::effort::{cases, figure, runner};

/// Number of cases in `make test`, and in `make test-all`.
const SHORT: u32 = 2000;
const LONG: u32 = 20_000;
/// Most of a case's time is waiting.
const AT_ONCE: usize = 16;

#[test]
fn with_any_plan_the_file_is_right_or_the_error_is_the_documented_one() {
    let all = cases(SHORT, LONG);
    let chance = Mutex::new(runner(all));
    let started = AtomicU32::new(0);
    let failure: Mutex<Option<String>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let plans = plans();
                while failure.lock().expect("lock").is_none() {
                    let case = started.fetch_add(1, Ordering::Relaxed) + 1;
                    if case > all {
                        break;
                    }
                    let tree = plans.new_tree(&mut chance.lock().expect("lock")).expect("a plan");
                    // One failure is enough: further ones are not shrunk.
                    let is_over = || failure.lock().expect("lock").is_some();
                    let test = |plan: Plan| match is_over() {
                        true => Ok(()),
                        false => play(&plan).map_err(TestCaseError::fail),
                    };
                    let Err(error) = shrinking().run_one(tree, test) else { continue };
                    let failed = format!("about the {case}th case: {error}");
                    failure.lock().expect("lock").get_or_insert(failed);
                }
            });
        }
    });
    if let Some(failure) = failure.into_inner().expect("lock") {
        panic!("{failure}");
    }
    figure(&format!("{SHORT} cases"));
}

/// Shrinks a failing plan for at most a minute.
fn shrinking() -> TestRunner {
    TestRunner::new(Config {
        failure_persistence: None,
        max_shrink_time: 60_000,
        max_shrink_iters: 1000,
        ..Config::default()
    })
}

const SIZE: u64 = 300_000;

fn plain_run() -> RunPlan {
    RunPlan {
        damage: Vec::new(),
        between: None,
        during: None,
        faults: Vec::new(),
        ending: Ending::ToTheEnd,
    }
}

/// A success without faults.
fn good(plan: &Plan) -> Observed {
    let proof = Proof::ObjectCrc;
    Observed {
        ended: Ended::Done { proof, file_size: SIZE, object_size: SIZE, crcs_agree: true },
        hits: Vec::new(),
        replaced: false,
        target: Some(content(&plan.object, 0, SIZE)),
        left: Vec::new(),
        statistics: Statistics { bytes_from_network: SIZE, requests: 2, ..Statistics::default() },
        before: Recorded::default(),
        after: Recorded::default(),
    }
}

fn failed(kind: ErrorKind, code: &str) -> Ended {
    Ended::Failed { kind, code: code.to_owned(), message: String::new() }
}

/// Whether the reference accepts this observation of a run without faults.
fn accepts(change: impl Fn(&mut Observed)) -> bool {
    let plan = Plan { old_target: true, ..catch(SIZE) };
    let mut seen = good(&plan);
    change(&mut seen);
    World::new(&plan).check_run(&plain_run(), Some(0), &seen).is_ok()
}

#[test]
fn the_reference_accepts_only_the_right_file() {
    assert!(accepts(|_| {}));
    let target =
        |change: fn(&mut Vec<u8>)| accepts(|seen| change(seen.target.as_mut().expect("a target")));
    assert!(!target(|bytes| bytes[299_999] ^= 1));
    assert!(!target(|bytes| bytes.truncate(299_999)));
    assert!(!target(|bytes| bytes.push(0)));
    assert!(!accepts(|seen| seen.target = None));
    assert!(!accepts(|seen| seen.left.push("file.bin.temp".to_owned())));
}

#[test]
fn the_reference_rejects_a_weaker_proof_than_possible() {
    for proof in [Proof::Generation, Proof::NotCompared] {
        let ended = || Ended::Done { proof, file_size: SIZE, object_size: SIZE, crcs_agree: true };
        assert!(!accepts(|seen| seen.ended = ended()));
    }
}

#[test]
fn the_reference_rejects_unexplained_errors() {
    for (kind, code) in [
        (ErrorKind::Transport, "ClientError:200056"),
        (ErrorKind::Integrity, "CrcCheckError"),
        (ErrorKind::Internal, "InternalError"),
        (ErrorKind::Service, "NoSuchKey"),
        (ErrorKind::Cancelled, "Cancelled"),
    ] {
        let taken = accepts(|seen| {
            seen.ended = failed(kind, code);
            seen.target = Some(b"the old file".to_vec());
        });
        assert!(!taken, "{code}");
    }
}

#[test]
fn the_reference_rejects_wasted_and_invalid_bytes() {
    assert!(!accepts(|seen| seen.statistics.bytes_from_network += 1));
    assert!(!accepts(|seen| seen.before.bytes = 1));
    assert!(!accepts(|seen| {
        seen.before.sound = Some(1000);
        seen.statistics.bytes_reused = 1001;
    }));
}
