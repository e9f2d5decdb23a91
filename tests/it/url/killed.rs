//! The example program is killed at random moments while it downloads from a URL, and started again.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use local_oss::{Config, Fault, Object};
use oss_resumable::SignatureVersion;

use crate::effort::{Chance, cases};
use crate::fixture::{BUCKET, Fixture, KEY, MIB};
use crate::program::{self, Running};

use super::presigned;

const SIZE: u64 = 24 * MIB;
const HOUR: Duration = Duration::from_secs(3600);

/// Starts the example for these URLs.
fn start(fixture: &Fixture, urls: &[String]) -> Running {
    let mut command = Command::new(program::executable("url"));
    command
        .args(["file.bin", "."])
        .current_dir(fixture.dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the example starts");
    let mut stdin = child.stdin.take().expect("standard input");
    stdin.write_all((urls.join("\n") + "\n").as_bytes()).expect("written");
    drop(stdin);
    Running::of(child)
}

fn fixture() -> Fixture {
    let fixture = Fixture::with(Config::default(), Object::pattern(SIZE, 7));
    fixture.server.inject(Fault::RateLimit(16 * MIB));
    fixture
}

/// Ends the download that was killed, and asserts that the file is the current object.
fn finish(fixture: &Fixture, urls: &[String]) {
    fixture.server.clear_faults();
    let output = start(fixture, urls).output().expect("an end");
    assert!(output.status.success(), "{}", program::error_output(&output));
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
}

fn remove(path: &Path) {
    std::fs::remove_file(path).expect("remove");
}

#[test]
fn killed_at_random_moments_it_goes_on_with_a_new_signature_each_time() {
    let fixture = fixture();
    let mut chance = Chance::new();
    for round in 0..cases(3, 20) {
        for life in 0..6 {
            let version = if life % 2 == 0 { SignatureVersion::V4 } else { SignatureVersion::V1 };
            let running = start(&fixture, &[presigned(&fixture, version, HOUR)]);
            std::thread::sleep(Duration::from_millis(chance.below(150)));
            running.kill();
        }
        let fetched: u64 = fixture.server.requests().iter().map(|request| request.body_bytes).sum();
        assert!(fetched > 0, "round {round}");
        finish(&fixture, &[presigned(&fixture, SignatureVersion::V4, HOUR)]);
        fixture.server.inject(Fault::RateLimit(16 * MIB));
        remove(&fixture.target());
    }
}

#[test]
fn an_object_that_is_replaced_between_or_during_the_runs_is_never_mixed() {
    let mut chance = Chance::new();
    for round in 0..cases(3, 20) {
        let fixture = fixture();
        for _ in 0..4 {
            let running = start(&fixture, &[presigned(&fixture, SignatureVersion::V4, HOUR)]);
            std::thread::sleep(Duration::from_millis(chance.below(120)));
            if chance.below(2) == 0 {
                fixture.server.replace(BUCKET, KEY);
            }
            std::thread::sleep(Duration::from_millis(chance.below(60)));
            running.kill();
            // After the end of one process, before the next one looks.
            if chance.below(3) == u64::from(round % 3) {
                fixture.server.replace(BUCKET, KEY);
            }
        }
        finish(&fixture, &[presigned(&fixture, SignatureVersion::V4, HOUR)]);
    }
}

#[test]
fn links_that_expire_between_and_during_the_runs_cost_nothing_but_a_new_link() {
    let fixture = fixture();
    let mut chance = Chance::new();
    let mut later = 0;
    for _ in 0..4 {
        let valid = |more: i64| {
            presigned(&fixture, SignatureVersion::V4, Duration::from_secs((later + more) as u64))
        };
        let running = start(&fixture, &[valid(1800), valid(24 * 3600)]);
        std::thread::sleep(Duration::from_millis(chance.below(100)));
        later += 3600;
        fixture.server.set_clock_offset(later);
        std::thread::sleep(Duration::from_millis(chance.below(100)));
        running.kill();
    }
    let expired = presigned(&fixture, SignatureVersion::V4, HOUR);
    let valid = presigned(&fixture, SignatureVersion::V4, Duration::from_secs(6 * 24 * 3600));
    finish(&fixture, &[expired, valid]);
}
