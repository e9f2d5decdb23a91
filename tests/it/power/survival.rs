//! After any power loss during a download, a later run ends with the right file.

use local_oss::{Config, Fault, Matcher, Object};

use super::disk::{Files, Order};
use super::fixture::{Moment, PowerFixture, Recording, TARGET, Variant};
use super::replay::PowerLosses;
use super::sdk_record::SdkLeftovers;
use crate::effort::{Chance, cases, figure};
use crate::fixture::{BUCKET, KEY, PART};

/// Least number of disk states from which a later run resumes, in each test; many more in the long run.
const STATES: u32 = 300;

fn survives(losses: PowerLosses) {
    losses.run(states());
    leave_figure();
}

fn states() -> usize {
    cases(STATES, 5 * STATES) as usize
}

fn leave_figure() {
    figure(&format!("at least {STATES} states of the disk"));
}

/// Creates an older file at the target.
fn put_older_file(fixture: &PowerFixture) {
    std::fs::write(fixture.root().join(TARGET), "an older file").expect("write");
}

fn object_is_replaced(fixture: &PowerFixture) {
    fixture.base.server.replace(BUCKET, KEY);
}

/// A recording of a download in which a request fails.
fn recorded_with(fixture: &PowerFixture, matcher: Matcher, fault: Fault) -> Recording {
    let rule = fixture.base.server.inject_when(matcher, fault);
    let recording = fixture.record();
    assert!(fixture.base.server.fault_hits(rule) > 0, "nothing went wrong");
    fixture.base.server.clear_faults();
    recording
}

#[test]
fn a_download_that_replaces_a_file() {
    let fixture = PowerFixture::new(Variant::Plain);
    put_older_file(&fixture);
    survives(PowerLosses::new(&fixture, &fixture.record_with_breaks()));
}

#[test]
fn a_download_without_a_checkpoint() {
    let fixture = PowerFixture::new(Variant::NoCheckpoint);
    put_older_file(&fixture);
    survives(PowerLosses::new(&fixture, &fixture.record_with_breaks()));
}

#[test]
fn a_download_of_a_range() {
    let fixture = PowerFixture::new(Variant::Ranged);
    survives(PowerLosses::new(&fixture, &fixture.record_with_breaks()));
}

#[test]
fn a_download_that_must_not_replace_the_target() {
    let fixture = PowerFixture::new(Variant::Sparing);
    survives(PowerLosses::new(&fixture, &fixture.record_with_breaks()));
}

#[test]
fn a_preallocated_download_that_is_read_back() {
    let fixture = PowerFixture::new(Variant::Preallocated);
    put_older_file(&fixture);
    survives(PowerLosses::new(&fixture, &fixture.record_with_breaks()));
}

#[test]
fn a_download_that_is_written_directly() {
    let fixture = PowerFixture::new(Variant::Direct);
    put_older_file(&fixture);
    survives(PowerLosses::new(&fixture, &fixture.record_with_breaks()));
}

#[test]
fn a_download_that_is_written_directly_and_resumes_from_a_checkpoint() {
    let fixture = PowerFixture::new(Variant::Direct);
    fixture.interrupt();
    survives(PowerLosses::new(&fixture, &fixture.record_with_breaks()));
}

#[test]
fn a_download_that_resumes_from_a_checkpoint() {
    let fixture = PowerFixture::new(Variant::Plain);
    fixture.interrupt();
    survives(PowerLosses::new(&fixture, &fixture.record_with_breaks()));
}

#[test]
fn a_download_that_resumes_after_another_power_loss() {
    let fixture = PowerFixture::new(Variant::Plain);
    let mut chance = Chance::new();
    let rounds = cases(4, 10) as usize;
    for _ in 0..rounds {
        fixture.put(&Files::new());
        let left = some_leftovers(&fixture.record_with_breaks(), &mut chance);
        fixture.put(&left);
        PowerLosses::new(&fixture, &fixture.record_with_breaks()).run(states().div_ceil(rounds));
    }
    leave_figure();
}

/// What a power loss left of the temporary file and the checkpoint.
fn some_leftovers(recording: &Recording, chance: &mut Chance) -> Files {
    let moments = recording.moments(Order::Any);
    loop {
        let disk = &moments[chance.below(moments.len() as u64) as usize].disk;
        let left = disk.after(&disk.some_crash(chance));
        if left.len() == 2 && !left.contains_key(TARGET) {
            return left;
        }
    }
}

#[test]
fn a_download_whose_object_is_replaced_while_the_power_is_off() {
    let fixture = PowerFixture::new(Variant::Plain);
    let recording = fixture.record_with_breaks();
    survives(PowerLosses::new(&fixture, &recording).meanwhile(object_is_replaced));
}

#[test]
fn a_download_whose_object_was_replaced_since_its_checkpoint() {
    let fixture = PowerFixture::new(Variant::Plain);
    fixture.interrupt();
    object_is_replaced(&fixture);
    survives(PowerLosses::new(&fixture, &fixture.record_with_breaks()));
}

#[test]
fn a_download_that_starts_over_because_its_object_is_replaced() {
    let fixture = PowerFixture::new(Variant::Plain);
    put_older_file(&fixture);
    let recording = recorded_with(&fixture, Matcher::any().nth(2), Fault::NewGeneration);
    survives(PowerLosses::new(&fixture, &recording));
}

#[test]
fn a_download_that_fetches_everything_again_because_its_checksum_was_wrong() {
    let fixture =
        PowerFixture::with(Variant::Plain, Config::default(), Object::pattern(3 * PART, 7));
    let recording = recorded_with(&fixture, Matcher::any().times(1), Fault::FlipByte(1));
    survives(PowerLosses::new(&fixture, &recording));
}

#[test]
fn a_download_that_fails_because_its_checksum_is_wrong_again_and_again() {
    let fixture =
        PowerFixture::with(Variant::Plain, Config::default(), Object::pattern(3 * PART, 7));
    put_older_file(&fixture);
    fixture.base.server.inject(Fault::FlipByte(1));
    let recording = fixture.record_failure();
    fixture.base.server.clear_faults();
    survives(PowerLosses::new(&fixture, &recording));
}

#[test]
fn a_download_that_cannot_be_pinned_and_removes_its_checkpoint() {
    let fixture = PowerFixture::new(Variant::Plain);
    fixture.interrupt();
    let recording = recorded_with(&fixture, Matcher::any(), Fault::NoEtag);
    survives(PowerLosses::new(&fixture, &recording));
}

#[test]
fn a_download_that_resumes_from_the_sdks_record() {
    let object = Object::pattern(4 * PART + 4_321, 7);
    let fixture = PowerFixture::with(Variant::Plain, Config::default(), object);
    let left = SdkLeftovers::of(&fixture, &[1, 2, 4]);
    let recording = fixture.record_with_breaks();
    survives(PowerLosses::new(&fixture, &recording).holds(&|files| left.assert_true(files)));
}

#[test]
fn a_download_that_ignores_the_sdks_record() {
    let object = Object::pattern(4 * PART + 4_321, 7);
    let fixture = PowerFixture::with(Variant::Plain, Config::default(), object);
    let left = SdkLeftovers::of(&fixture, &[1, 2, 4]);
    fixture.base.server.put(BUCKET, KEY, Object::pattern(3 * PART, 8));
    let recording = fixture.record_with_breaks();
    survives(PowerLosses::new(&fixture, &recording).holds(&|files| left.assert_true(files)));
}

#[test]
fn without_a_flush_the_target_may_be_lost_and_a_later_download_restores_it() {
    let fixture = PowerFixture::new(Variant::Unflushed);
    put_older_file(&fixture);
    let recording = fixture.record_with_breaks();
    let moments = recording.moments(Order::Journaled);
    let Moment { disk, reported, .. } = moments.last().expect("a moment");
    let mut chance = Chance::new();
    let target = || disk.after(&disk.some_crash(&mut chance)).remove(TARGET);
    let wanted = fixture.wanted();
    let lost =
        std::iter::repeat_with(target).take(100).any(|target| target != Some(wanted.clone()));
    assert!(*reported && lost, "nothing is lost without a flush");
    survives(PowerLosses::new(&fixture, &recording));
}
