use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;

use libc::{EINTR, EMFILE, ENOBUFS};

use super::kernel::{ALWAYS, Failing, How};
use super::scene::Scene;
use super::ways::ways;
use crate::effort::{cases, figure};

/// Number of children that run at the same time.
const AT_ONCE: usize = 2;

fn once(kind: &str, nth: usize, how: How) -> Failing {
    Failing { kind: kind.to_owned(), nth, times: 1, how }
}

/// Each call fails once, in each way.
fn one_at_a_time(counts: &BTreeMap<String, usize>) -> Vec<Failing> {
    let mut all = Vec::new();
    for (kind, &count) in counts {
        for how in ways(kind) {
            all.extend((1..=count).map(|nth| once(kind, nth, how)));
        }
    }
    all
}

/// All calls of a kind fail from the first one on, or from the middle of the run on.
fn for_good(counts: &BTreeMap<String, usize>) -> Vec<Failing> {
    let mut all = Vec::new();
    for (kind, &count) in counts {
        let lasting = |how: &How| !matches!(how, How::Short | How::Errno(EINTR));
        for how in ways(kind).into_iter().filter(lasting) {
            let firsts = [1, count / 2 + 1];
            all.extend(firsts.map(|nth| Failing { times: ALWAYS, ..once(kind, nth, how) }));
        }
    }
    all
}

/// Runs a scene with the calls that `plan` chooses from the number of calls of each kind: with all of them in
/// `make test-all`, with about `sample` otherwise. Asserts that they failed in more than `least` runs.
fn fail_calls(
    scene: fn() -> Scene,
    plan: fn(&BTreeMap<String, usize>) -> Vec<Failing>,
    sample: usize,
    least: usize,
) {
    let all = plan(&scene().count_calls());
    let step = cases((all.len() / sample).max(1) as u32, 1) as usize;
    let queue = Mutex::new(all.into_iter().step_by(step));
    let next = || queue.lock().expect("no panic").next();
    let failed = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let scene = scene();
                while let Some(failing) = next() {
                    let made = usize::from(scene.fail(&failing).is_some());
                    *failed.lock().expect("no panic") += made;
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic");
    println!("calls failed in {failed} runs");
    assert!(failed > least, "calls failed in {failed} runs");
    figure(&format!("failures in more than {least} runs"));
}

#[test]
fn any_call_of_a_first_run_may_fail() {
    fail_calls(Scene::fresh, one_at_a_time, 60, 50);
}

#[test]
fn any_call_of_a_resumed_run_may_fail() {
    fail_calls(Scene::interrupted, one_at_a_time, 60, 50);
}

#[test]
fn any_call_of_a_run_that_writes_directly_may_fail() {
    fail_calls(Scene::direct, one_at_a_time, 60, 50);
}

#[test]
fn any_call_of_a_run_over_tls_may_fail() {
    fail_calls(Scene::over_tls, one_at_a_time, 30, 20);
}

#[test]
fn calls_that_fail_for_good_end_the_run() {
    fail_calls(Scene::fresh, for_good, 20, 15);
}

/// How libcurl wakes its threads: new versions use an event counter, older ones a pair of sockets.
struct Waking {
    opens: &'static str,
    /// Number of these calls until the second thread has started. Each name lookup opens a pair of sockets, too.
    opened_by_second: usize,
    sends: &'static str,
}

impl Waking {
    fn of(scene: &Scene) -> Self {
        match scene.count_calls().contains_key("eventfd2") {
            true => Waking { opens: "eventfd2", opened_by_second: 2, sends: "write" },
            false => Waking { opens: "socketpair", opened_by_second: 3, sends: "sendto" },
        }
    }
}

#[test]
fn a_transfer_thread_that_could_not_be_woken_is_not_started() {
    let scene = Scene::fresh();
    let opens = Waking::of(&scene).opens;
    let end = scene.fail(&once(opens, 1, How::Errno(EMFILE))).expect("it was made");
    let error = end.expect_err("an error");
    assert!(error.contains("cannot start a transfer thread"), "{error}");
}

#[test]
fn a_download_needs_only_one_of_its_transfer_threads() {
    let scene = Scene::fresh();
    let Waking { opens, opened_by_second, .. } = Waking::of(&scene);
    assert_eq!(scene.fail(&once(opens, opened_by_second, How::Errno(EMFILE))), Some(Ok(())));
}

#[test]
fn a_transfer_thread_is_woken_again_if_that_failed() {
    let scene = Scene::fresh();
    let sends = Waking::of(&scene).sends;
    let woken = |nth| scene.fail(&once(sends, nth, How::Errno(ENOBUFS)));
    let ends: Vec<_> = (1..).map_while(woken).collect();
    let failed: Vec<_> = ends.iter().filter_map(|end| end.as_ref().err()).collect();
    // The thread of libcurl's name lookup tries only once. When it does differs from run to run.
    let is_lookup = |error: &&String| error.contains("Could not resolve host");
    assert!(failed.iter().all(is_lookup), "{failed:?}");
    assert!(ends.len() >= failed.len() + 3, "{ends:?}");
}
