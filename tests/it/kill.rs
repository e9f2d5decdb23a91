//! SIGKILL at random moments, and two runs of one download.

use std::fs;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use local_oss::{Fault, Matcher};
use oss_resumable::{Checkpoint, DownloadRequest, ErrorKind};

use crate::effort::Chance;
use crate::fixture::{BUCKET, Fixture, KEY, MIB};
use crate::program::{error_output, start};
use crate::traffic::{merged, sent, total};

const KILLS: usize = 20;
const SIZE: u64 = 256 * MIB;
/// The program's default.
const CONNECTIONS: u64 = 3;
/// Bytes per second and connection.
const RATE: u64 = 5 * MIB;
/// Total time of all killed runs: the object takes 17 s, so none of them can finish.
const KILLED_AFTER_ALL: Duration = Duration::from_secs(12);

/// When to kill each run: random, many soon and a few late, [`KILLED_AFTER_ALL`] in total.
fn moments(chance: &mut Chance) -> Vec<Duration> {
    let weights: Vec<f64> = (0..KILLS).map(|_| chance.fraction().powi(2)).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| KILLED_AFTER_ALL.mul_f64(weight / sum)).collect()
}

#[test]
fn a_program_killed_at_20_random_moments_completes_the_file_and_fetches_little_twice() {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject(Fault::RateLimit(RATE));
    // Bytes that are not recorded yet are fewer than 8 MiB and younger than a second; half a second more for a busy
    // machine.
    let most_lost = CONNECTIONS * (8 * MIB).min(RATE * 3 / 2);
    // A run that is killed early leaves bytes lost by an earlier run to a later one, so the totals of all runs are
    // compared.
    let mut lost_at_most = 0;
    let mut fetched: Vec<Range<u64>> = Vec::new();
    let mut requests = 0;
    let mut twice_of_all = 0;
    for (run, moment) in moments(&mut Chance::new()).into_iter().map(Some).chain([None]).enumerate()
    {
        let program = start(&fixture);
        match moment {
            Some(moment) => {
                std::thread::sleep(moment);
                assert!(program.kill(), "run {run} had ended before {moment:?}");
            }
            None => {
                fixture.server.clear_faults();
                let output = program.output().expect("run");
                assert!(output.status.success(), "{}", error_output(&output));
            }
        }
        // Bytes that arrive twice in one run are not caused by the kill.
        let sent = merged(fixture.requests_after(requests).iter().map(sent));
        requests = fixture.server.requests().len();
        let before = total(&fetched);
        let came = total(&sent);
        fetched = merged(fetched.into_iter().chain(sent));
        let twice = came - (total(&fetched) - before);
        println!("run {run}: {moment:?}, {came} bytes, {twice} of them again");
        twice_of_all += twice;
        assert!(
            twice_of_all <= lost_at_most,
            "run {run}: {twice_of_all} bytes arrived again, {lost_at_most} may be lost"
        );
        lost_at_most += came.min(most_lost);
    }
    println!("{twice_of_all} bytes arrived twice in all");
    assert_eq!(fetched, [0..SIZE]);
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn a_program_killed_on_a_slow_network_loses_at_most_the_bytes_of_a_second() {
    const SLOW: u64 = MIB;
    let fixture = Fixture::new(64 * MIB);
    fixture.server.inject(Fault::RateLimit(SLOW));
    let program = start(&fixture);
    wait_for_files(&fixture);
    std::thread::sleep(Duration::from_millis(3500));
    assert!(program.kill(), "it had ended already");
    fixture.server.clear_faults();
    let came: u64 = total(&fixture.requests_after(0).iter().map(sent).collect::<Vec<_>>());
    let outcome = fixture.client().download(&whole(&fixture)).expect("resume");
    fixture.assert_whole(&outcome);
    let lost = came - outcome.statistics.bytes_reused;
    // Half a second more for a busy machine.
    assert!(lost <= CONNECTIONS * SLOW * 3 / 2, "{lost} of {came} bytes were lost");
    assert!(came > CONNECTIONS * SLOW * 2, "only {came} bytes arrived");
}

/// The program's request.
fn whole(fixture: &Fixture) -> DownloadRequest {
    DownloadRequest::new(BUCKET, KEY).file_path(fixture.target()).checkpoint_dir(fixture.dir())
}

#[test]
fn a_program_killed_on_a_fast_network_loses_at_most_8_mib_of_each_connection() {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject(Fault::RateLimit(64 * MIB));
    let program = start(&fixture);
    let on_disk = || fs::metadata(fixture.temp()).map_or(0, |file| file.blocks() * 512);
    let give_up_at = Instant::now() + Duration::from_secs(20);
    while on_disk() < 96 * MIB {
        assert!(Instant::now() < give_up_at, "{} bytes after 20 s", on_disk());
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(program.kill(), "it had ended already");
    let written = on_disk();
    let outcome = fixture.client().download(&whole(&fixture)).expect("resume");
    fixture.assert_whole(&outcome);
    let kept = outcome.statistics.bytes_reused;
    assert!(kept + CONNECTIONS * 8 * MIB >= written, "{kept} of {written} bytes were kept");
}

/// Waits until the first run has created its files.
fn wait_for_files(fixture: &Fixture) {
    let give_up_at = Instant::now() + Duration::from_secs(10);
    while !fixture.temp().exists() {
        assert!(Instant::now() < give_up_at, "no temporary file");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(50));
}

#[test]
fn a_second_process_with_the_same_download_is_busy_at_once_and_changes_nothing() {
    let fixture = Fixture::new(24 * MIB);
    fixture.server.inject(Fault::RateLimit(8 * MIB));
    let first = start(&fixture);
    wait_for_files(&fixture);
    let second = start(&fixture).output().expect("run");
    assert_eq!(second.status.code(), Some(1));
    assert!(error_output(&second).contains("code: Busy"), "{}", error_output(&second));
    assert!(fixture.journal().is_some() && fixture.temp().exists() && !fixture.target().exists());

    let first = first.output().expect("run");
    assert!(first.status.success(), "{}", error_output(&first));
    fixture.assert_range(0..24 * MIB);
    assert_eq!(fixture.files(), ["file.bin"]);
    assert_eq!(total(&fixture.requests_after(0).iter().map(sent).collect::<Vec<_>>()), 24 * MIB);
}

#[test]
fn a_second_download_in_one_process_is_busy_at_once_and_changes_nothing() {
    for checkpoint in [true, false] {
        let fixture = Fixture::new(4 * MIB);
        fixture.server.inject_when(Matcher::any().times(3), Fault::RateLimit(2 * MIB));
        let request = fixture.request_with(|request| {
            if !checkpoint {
                request.checkpoint = Checkpoint::Off;
            }
        });
        let client = fixture.client();
        let first = client.start(&request).expect("start");
        wait_for_files(&fixture);
        for another in [&client, &fixture.client()] {
            let error = another.download(&request).expect_err("busy");
            assert_eq!((error.kind(), error.code()), (ErrorKind::Busy, "Busy"));
            assert!(error.path().is_some());
        }
        assert!(first.wait(Some(Duration::ZERO)).is_none(), "the first had ended already");
        let outcome = first.wait(None).expect("an end").expect("download");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_from_network, 4 * MIB);
    }
}

#[test]
fn downloads_started_at_the_same_moment_each_succeed_or_are_busy() {
    const RUNS: usize = 6;
    for checkpoint in [true, false] {
        let fixture = Fixture::new(2 * MIB);
        let request = fixture.request_with(|request| {
            if !checkpoint {
                request.checkpoint = Checkpoint::Off;
            }
        });
        for _ in 0..5 {
            let barrier = Barrier::new(RUNS);
            let whole = std::thread::scope(|scope| {
                let run = || {
                    let client = fixture.client();
                    barrier.wait();
                    match client.download(&request) {
                        Ok(outcome) => assert_eq!(outcome.file_size, 2 * MIB),
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
                            return 0;
                        }
                    }
                    1
                };
                let runs: Vec<_> = (0..RUNS).map(|_| scope.spawn(run)).collect();
                runs.into_iter().map(|run| run.join().expect("a run")).sum::<usize>()
            });
            assert!(whole > 0, "everyone found another at work");
            fixture.assert_range(0..2 * MIB);
            assert_eq!(fixture.files(), ["file.bin"]);
            fs::remove_file(fixture.target()).expect("remove");
        }
    }
}
