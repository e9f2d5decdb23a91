//! The model at work, and the cases it found.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::generate::plans;
use super::harness::play;
use super::plan::*;
use crate::effort::{cases, figure, runner};

/// Cases of `make test`, and of `make test-all`.
const SHORT: u32 = 2000;
const LONG: u32 = 20_000;
/// Most of a case's time is waiting.
const AT_ONCE: usize = 16;

#[test]
fn whatever_happens_the_file_is_right_or_the_error_is_the_one_documented() {
    let all = cases(SHORT, LONG);
    let chance = Mutex::new(runner(all));
    let started = AtomicU32::new(0);
    let failure = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let plans = plans();
                while failure.lock().expect("lock").is_none()
                    && started.fetch_add(1, Ordering::Relaxed) < all
                {
                    let tree = plans.new_tree(&mut chance.lock().expect("lock")).expect("a plan");
                    let test = |plan: Plan| play(&plan).map_err(TestCaseError::fail);
                    let Err(error) = shrinking().run_one(tree, test) else { continue };
                    failure.lock().expect("lock").get_or_insert(error.to_string());
                }
            });
        }
    });
    if let Some(failure) = failure.into_inner().expect("lock") {
        panic!("{failure}");
    }
    figure(&format!("{SHORT} cases"));
}

/// Makes a failing plan smaller for a minute.
fn shrinking() -> TestRunner {
    TestRunner::new(Config {
        failure_persistence: None,
        max_shrink_time: 60_000,
        max_shrink_iters: 1000,
        ..Config::default()
    })
}

#[test]
#[ignore = "survey"]
fn survey() {
    let all: u32 = std::env::var("SURVEY").unwrap().parse().unwrap();
    let chance = Mutex::new(runner(all));
    let started = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let plans = plans();
                while started.fetch_add(1, Ordering::Relaxed) < all {
                    use proptest::strategy::ValueTree;
                    let tree = plans.new_tree(&mut chance.lock().expect("lock")).expect("a plan");
                    let plan = tree.current();
                    let begun = std::time::Instant::now();
                    if let Err(why) = play(&plan) {
                        println!("FAIL {why}\n     {plan:?}");
                    }
                    println!("TIME {:?}", begun.elapsed());
                }
            });
        }
    });
}
