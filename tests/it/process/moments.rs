//! SIGKILL at the most critical moments: while an earlier run is verified, while the file is completed, and after the
//! C++ SDK's record was imported.

use std::fs;
use std::time::Duration;

use local_oss::{Config, Fault};

use super::alone::Process;
use super::job::{Job, SelfAction};
use super::wait_until;
use crate::effort::{Chance, cases, figure};
use crate::fixture::{Fixture, MIB};
use crate::program::{program, running};
use crate::sdk_recovery::{Left, pattern};

const OLD: &[u8] = b"the file that was there before";

/// Whether the process has a thread of this name.
fn has_thread(process: &Process, name: &str) -> bool {
    let tasks = fs::read_dir(format!("/proc/{}/task", process.child().id()));
    tasks.is_ok_and(|tasks| {
        tasks.flatten().any(|task| {
            let comm = fs::read_to_string(task.path().join("comm"));
            comm.is_ok_and(|comm| comm.trim_end() == name)
        })
    })
}

#[test]
fn a_run_killed_while_it_verifies_an_earlier_one_loses_none_of_its_bytes() {
    const SIZE: u64 = 192 * MIB;
    let kills = cases(10, 50);
    let fixture = Fixture::new(SIZE);
    let job = Job { part_size: MIB, ..Job::new(&fixture) };
    let request = fixture.request_with(|request| request.part_size = MIB);
    fixture.interrupt(&request, SIZE - 8 * MIB);
    // Nothing arrives, so no run can end and the bytes to verify stay the same.
    fixture.server.inject(Fault::StallAfter(1000));
    let recorded = fixture.leftovers().temp.len() as u64;
    let mut chance = Chance::new();
    for kill in 0..kills {
        let process = job.start();
        wait_until("a proof", || has_thread(&process, "oss-prove"));
        std::thread::sleep(Duration::from_micros(chance.below(20_000)));
        assert!(process.kill(), "kill {kill}: it had ended already");
    }
    fixture.server.clear_faults();
    assert_eq!(job.start().reused(), recorded);
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
    figure(&format!("{kills} kills"));
}

#[test]
fn a_run_killed_during_completion_leaves_the_old_file_or_the_complete_new_one() {
    const SIZE: u64 = 8 * MIB;
    let kills = cases(40, 600);
    let mut chance = Chance::new();
    let (mut old_ones, mut new_ones) = (0, 0);
    for _ in 0..kills {
        let fixture = Fixture::new(SIZE);
        fs::write(fixture.target(), OLD).expect("the old file");
        let delay = Duration::from_micros(chance.below(12_000));
        let job = Job { flush: true, ..Job::new(&fixture) };
        let killed = Job { self_action: Some(SelfAction::DieAtTheEnd(delay)), ..job.clone() };
        assert!(!killed.start().status().success());
        let finished = fs::read(fixture.target()).expect("a file") != OLD;
        let recorded = fixture.journal().is_some();
        if finished {
            fixture.assert_range(0..SIZE);
            new_ones += 1;
        } else {
            assert!(recorded && fixture.temp().exists(), "killed after {delay:?}");
            old_ones += 1;
        }
        let reused = job.start().reused();
        assert_eq!(reused, if finished { 0 } else { SIZE }, "killed after {delay:?}");
        fixture.assert_range(0..SIZE);
        assert_eq!(fixture.files(), ["file.bin"]);
    }
    println!("killed before the rename: {old_ones}, after it: {new_ones}");
    figure(&format!("{kills} kills"));
}

#[test]
fn after_a_run_killed_once_it_imported_the_sdks_record_the_next_one_succeeds() {
    let kills = cases(6, 60);
    let mut chance = Chance::new();
    for _ in 0..kills {
        let left = Left::new("plain", Config::default(), pattern());
        left.fixture.server.inject(Fault::RateLimit(MIB / 2));
        let arguments = ["slow", "pattern.bin", "download.bin", "."];
        for _ in 0..5 {
            let process = running(&mut program(&left.fixture, left.fixture.dir(), arguments));
            // The rest of the object takes a second.
            std::thread::sleep(Duration::from_millis(chance.below(180)));
            assert!(process.kill(), "it had ended already");
            assert!(!left.path("download.bin").exists());
        }
        left.fixture.server.clear_faults();
        left.resume();
    }
    figure(&format!("{} kills", 5 * kills));
}
