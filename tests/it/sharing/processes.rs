//! The processes of one training job start the same download into the same file.

use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use local_oss::Fault;

use super::{bytes_sent, methods, until};
use crate::fixture::{Fixture, MIB};
use crate::process::alone::Process;
use crate::process::job::{Job, Report};
use crate::traffic::{merged, sent, total};

const PROCESSES: usize = 8;
const SIZE: u64 = 24 * MIB;
/// Bytes per second and connection.
const RATE: u64 = 2 * MIB;
const CONNECTIONS: u64 = 3;

fn job(fixture: &Fixture) -> Job {
    Job { waits: true, ..Job::new(fixture) }
}

/// Starts all processes, and waits until one fetches and the others have had time to find that.
fn started(fixture: &Fixture) -> Vec<Process> {
    let job = job(fixture);
    let processes = (0..PROCESSES).map(|_| job.start()).collect();
    until("one fetches", || !fixture.server.requests().is_empty());
    std::thread::sleep(Duration::from_secs(1));
    processes
}

/// Waits for the successful ends; returns how many bytes each has reused.
fn reused(processes: Vec<Process>) -> Vec<u64> {
    let reports = processes.into_iter().map(Process::report);
    let of = |report: Report| {
        assert_eq!(report.error, None);
        report.reused
    };
    reports.map(of).collect()
}

#[test]
fn of_eight_processes_one_fetches_the_object_and_all_succeed() {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject(Fault::RateLimit(RATE));
    let reused = reused(started(&fixture));
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
    assert_eq!(bytes_sent(&fixture), SIZE, "the object is fetched once");
    let mut expected = [SIZE; PROCESSES];
    expected[0] = 0;
    let mut reused = reused;
    reused.sort_unstable();
    assert_eq!(reused, expected);
    let heads = methods(&fixture).iter().filter(|method| *method == "HEAD").count();
    assert_eq!(heads, PROCESSES - 1);
}

#[test]
fn when_the_one_that_fetches_is_killed_another_goes_on_from_its_bytes() {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject(Fault::RateLimit(RATE / 2));
    let mut processes = started(&fixture);
    until("a third of it is in the file", || {
        std::fs::metadata(fixture.temp()).is_ok_and(|temp| temp.blocks() * 512 >= SIZE / 3)
    });
    let pid = locker(&fixture);
    let fetching = processes.iter().position(|process| process.child().id() == pid);
    let fetching = processes.remove(fetching.expect("one of them"));
    assert!(fetching.kill(), "it had ended already");
    fixture.server.clear_faults();
    let mut reused = reused(processes);
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
    reused.sort_unstable();
    assert!(reused[0] > 0 && reused[0] < SIZE, "{reused:?}");
    assert!(reused[1..].iter().all(|bytes| *bytes == SIZE), "{reused:?}");
    let sent: Vec<_> =
        fixture.requests_after(0).iter().filter(|r| r.method == "GET").map(sent).collect();
    let twice = total(&sent) - total(&merged(sent.clone()));
    // Bytes that are not recorded yet are younger than a second; half a second more for a busy machine. What is in the
    // sockets comes on top of that.
    let most = CONNECTIONS * (RATE / 2 * 3 / 2 + MIB);
    println!("{twice} bytes were sent twice, {most} at most; reused: {reused:?}");
    assert!(twice <= most, "{twice} bytes, {most} at most");
}

/// The process that has the temporary file locked, from `/proc/locks`.
fn locker(fixture: &Fixture) -> u32 {
    let inode = std::fs::metadata(fixture.temp()).expect("the temporary file").ino().to_string();
    let locks = std::fs::read_to_string("/proc/locks").expect("locks");
    let line = locks.lines().find(|line| {
        line.split_whitespace().nth(5).is_some_and(|file| file.rsplit(':').next() == Some(&*inode))
    });
    let pid = line.and_then(|line| line.split_whitespace().nth(4)?.parse().ok());
    pid.unwrap_or_else(|| panic!("nobody has locked {inode}: {locks}"))
}
