//! Several processes with the same download.

use std::sync::mpsc;
use std::time::Duration;

use local_oss::Fault;

use super::job::{Job, Report};
use super::{wait_for_bytes, wait_until};
use crate::fixture::{Fixture, MIB};
use crate::traffic::{sent, total};

const SIZE: u64 = 8 * MIB;
/// Body bytes of a stalled reply.
const FIRST_BYTES: u64 = 1000;
const LIMIT: Duration = Duration::from_secs(60);

/// A server whose replies stop after [`FIRST_BYTES`], so that the running process does not finish.
fn stalled() -> Fixture {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject(Fault::StallAfter(FIRST_BYTES));
    // Long enough that all have started before the first has its reply.
    fixture.server.inject(Fault::RoundTrip(Duration::from_millis(50)));
    fixture
}

fn job(fixture: &Fixture, checkpoint: bool) -> Job {
    let mut job = Job { idle_timeout: LIMIT, ..Job::new(fixture) };
    job.checkpoint_dir = job.checkpoint_dir.filter(|_| checkpoint);
    job
}

/// Removes the stalls, and lets the stalled requests be repeated.
fn end_stalls(fixture: &Fixture) {
    fixture.server.clear_faults();
    fixture.server.restart().expect("the same port");
}

fn assert_busy(report: &Report) {
    assert!(report.error.as_ref().is_some_and(|error| error.starts_with("Busy")), "{report:?}");
    // Long before any time limit, even on a busy machine.
    assert!(report.took < Duration::from_secs(10), "{report:?}");
}

/// Starts `processes` at once: one runs, the others report that the download is busy.
fn race(processes: usize, checkpoint: bool) {
    let fixture = stalled();
    let job = job(&fixture, checkpoint);
    let (ended, reports) = mpsc::channel::<Report>();
    std::thread::scope(|scope| {
        for process in (0..processes).map(|_| job.start()) {
            let ended = ended.clone();
            scope.spawn(move || ended.send(process.report()).expect("a listener"));
        }
        for _ in 1..processes {
            let report = reports.recv_timeout(LIMIT).expect("all but one end");
            println!("busy after {:?}", report.took);
            assert_busy(&report);
        }
        assert!(reports.try_recv().is_err(), "the running process waits");
        wait_until("the running process", || fixture.temp().exists());
        wait_until("its checkpoint", || fixture.journal().is_some() == checkpoint);
        assert!(!fixture.target().exists());
        end_stalls(&fixture);
        let report = reports.recv_timeout(LIMIT).expect("the running process");
        assert_eq!(report.error, None);
    });
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
    // Nobody's bytes were touched: what came twice was received by the others before they found the file locked.
    let came = total(&fixture.requests_after(0).iter().map(sent).collect::<Vec<_>>());
    assert!(came <= SIZE + processes as u64 * 4 * FIRST_BYTES, "{came} bytes");
}

#[test]
fn of_two_processes_with_one_download_one_runs_and_the_other_is_busy() {
    for checkpoint in [true, false] {
        race(2, checkpoint);
    }
}

#[test]
fn of_ten_processes_with_one_download_one_runs_and_the_others_are_busy() {
    for checkpoint in [true, false] {
        race(10, checkpoint);
    }
}

#[test]
fn when_the_running_process_is_killed_another_can_start_at_once() {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject(Fault::RateLimit(SIZE / 60));
    let job = Job::new(&fixture);
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let worker = job.start();
        wait_until("its checkpoint", || fixture.journal().is_some());
        wait_for_bytes(&fixture, 1);
        std::thread::sleep(Duration::from_millis(250));
        let report: Report = job.start().report();
        println!("busy after {:?}", report.took);
        assert_busy(&report);
        fastest = fastest.min(report.took);
        assert!(worker.kill(), "it had ended already");
    }
    // A millisecond, without a request; the rest is for a busy machine.
    assert!(fastest < Duration::from_millis(300), "{fastest:?}");
    fixture.server.clear_faults();
    let reused = job.start().reused();
    assert!(reused > 0, "{reused}");
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
}
