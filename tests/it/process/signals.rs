//! Signals other than SIGKILL: a process that is stopped and continued, and Ctrl-C.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use local_oss::Fault;

use super::alone::Process;
use super::job::{Job, Report, SelfAction};
use super::raw::signal;
use super::{wait_for_bytes, wait_for_request};
use crate::fixture::{Fixture, MIB};

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A fixture whose object takes two seconds.
fn slow(size: u64) -> Fixture {
    let fixture = Fixture::new(size);
    fixture.server.inject(Fault::RateLimit(size / 6));
    fixture
}

/// Stops a download at `moment` for longer than the time limit without a byte, and continues it.
fn stop_and_continue(moment: impl Fn(&Fixture), no_progress: Duration, server_closes: bool) {
    const SIZE: u64 = 6 * MIB;
    let fixture = slow(SIZE);
    let process = Job { idle_timeout: millis(1000), no_progress, ..Job::new(&fixture) }.start();
    moment(&fixture);
    signal(process.child(), libc::SIGSTOP);
    if server_closes {
        fixture.server.restart().expect("the same port");
    }
    std::thread::sleep(millis(5000));
    signal(process.child(), libc::SIGCONT);
    assert_eq!(process.reused(), 0);
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn a_process_that_was_stopped_for_longer_than_any_limit_continues() {
    std::thread::scope(|scope| {
        for server_closes in [false, true] {
            // A second of the stop may count as idle time, and a busy machine needs time as well.
            let half_way = |fixture: &Fixture| wait_for_bytes(fixture, 3 * MIB);
            scope.spawn(move || stop_and_continue(half_way, millis(3000), server_closes));
        }
    });
}

#[test]
fn a_process_that_was_stopped_before_its_first_byte_continues() {
    std::thread::scope(|scope| {
        for server_closes in [false, true] {
            let before_the_reply = |fixture: &Fixture| {
                fixture.server.inject(Fault::RoundTrip(millis(400)));
                wait_for_request(fixture);
            };
            // The time limit for the first byte includes the time while the process is stopped.
            let no_progress = Duration::from_secs(60);
            scope.spawn(move || stop_and_continue(before_the_reply, no_progress, server_closes));
        }
    });
}

/// One request for a part and one for each connection; one more for each connection that took over work from another.
fn assert_nothing_broke(fixture: &Fixture, size: u64) {
    let requests = fixture.requests_after(0);
    assert!(requests.len() <= 7, "{} requests", requests.len());
    let came: u64 = requests.iter().map(|request| request.body_bytes).sum();
    assert!(came <= size + MIB, "{came} bytes");
}

#[test]
fn a_process_that_is_stopped_a_hundred_times_succeeds_on_the_same_connections() {
    const SIZE: u64 = 6 * MIB;
    let fixture = slow(SIZE);
    let process = Job::new(&fixture).start();
    wait_for_request(&fixture);
    for _ in 0..100 {
        signal(process.child(), libc::SIGSTOP);
        std::thread::sleep(millis(5));
        signal(process.child(), libc::SIGCONT);
        std::thread::sleep(millis(5));
    }
    assert_eq!(process.reused(), 0);
    fixture.assert_range(0..SIZE);
    assert_nothing_broke(&fixture, SIZE);
}

#[test]
fn ctrl_c_ends_the_program_at_once_and_the_next_run_resumes() {
    const SIZE: u64 = 12 * MIB;
    let fixture = slow(SIZE);
    let job = Job::new(&fixture);
    let process = job.start();
    wait_for_bytes(&fixture, SIZE / 2);
    let interrupted = Instant::now();
    signal(process.child(), libc::SIGINT);
    assert_eq!(process.status().signal(), Some(libc::SIGINT));
    assert!(interrupted.elapsed() < Duration::from_secs(2), "{:?}", interrupted.elapsed());
    fixture.server.clear_faults();
    let reused = job.start().reused();
    assert!(reused > 0 && reused < SIZE, "{reused}");
    fixture.assert_range(0..SIZE);
}

#[test]
fn ctrl_c_caught_by_the_host_and_turned_into_a_cancel_keeps_the_checkpoint() {
    const SIZE: u64 = 12 * MIB;
    let fixture = slow(SIZE);
    let process =
        Job { self_action: Some(SelfAction::CancelOnInterrupt), ..Job::new(&fixture) }.start();
    wait_for_bytes(&fixture, SIZE / 2);
    signal(process.child(), libc::SIGINT);
    let report: Report = process.report();
    assert!(report.error.as_ref().is_some_and(|e| e.starts_with("Cancelled")), "{report:?}");
    assert_eq!(report.interrupts, 1);
    fixture.server.clear_faults();
    assert!(Job::new(&fixture).start().reused() >= SIZE / 3);
    fixture.assert_range(0..SIZE);
}

#[test]
fn the_host_s_handler_gets_every_ctrl_c_and_the_download_is_unaffected() {
    const SIZE: u64 = 6 * MIB;
    const SIGNALS: u32 = 100;
    let fixture = slow(SIZE);
    let process =
        Job { self_action: Some(SelfAction::CatchInterrupts), ..Job::new(&fixture) }.start();
    wait_for_bytes(&fixture, 1);
    assert_host_signals_are_blocked(&process);
    for _ in 0..SIGNALS {
        signal(process.child(), libc::SIGINT);
        std::thread::sleep(millis(8));
    }
    let report: Report = process.report();
    assert_eq!(report.error, None);
    // Signals that arrive before the handler has run count once, on a busy machine.
    assert!(report.interrupts > 0 && report.interrupts <= SIGNALS, "{}", report.interrupts);
    fixture.assert_range(0..SIZE);
    assert_nothing_broke(&fixture, SIZE);
}

/// Every thread of the library blocks every signal that a host may handle.
fn assert_host_signals_are_blocked(process: &Process) {
    let tasks = fs::read_dir(format!("/proc/{}/task", process.child().id())).expect("tasks");
    let mut seen = 0;
    for task in tasks.flatten().map(|task| task.path()) {
        let name = fs::read_to_string(task.join("comm")).expect("its name");
        if !name.starts_with("oss-") {
            continue;
        }
        seen += 1;
        let status = fs::read_to_string(task.join("status")).expect("its status");
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).expect("a mask");
        let blocked = u64::from_str_radix(blocked.trim(), 16).expect("hexadecimal");
        for signal in [
            libc::SIGINT,
            libc::SIGTERM,
            libc::SIGHUP,
            libc::SIGPIPE,
            libc::SIGALRM,
            libc::SIGCHLD,
            libc::SIGUSR1,
            libc::SIGUSR2,
            libc::SIGPROF,
        ] {
            assert_ne!(blocked & (1 << (signal - 1)), 0, "signal {signal} in {name}");
        }
    }
    assert!(seen >= 2, "a driver and a transfer thread at least, not {seen}");
}
