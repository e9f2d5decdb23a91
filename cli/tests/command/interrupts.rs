//! Interrupted downloads go on.

use std::process::Child;

use crate::fixture::{Ended, Fixture, KEY, MIB, NAME, SOURCE, signal};

/// Runs the command to its end, and asserts that it has gone on.
fn assert_goes_on(fixture: &Fixture) {
    fixture.server.clear_faults();
    let ended = fixture.run(&["get", SOURCE, "--json"]).success();
    let reused = ended.json()[0]["outcome"]["statistics"]["bytes_reused"].as_u64();
    assert!(reused >= Some(MIB), "{reused:?}");
    fixture.assert_is(NAME, KEY);
    assert_eq!(fixture.files(), [NAME]);
}

fn end(child: Child) -> Ended {
    child.wait_with_output().expect("end").into()
}

#[test]
fn a_killed_download_goes_on_where_it_stopped() {
    let fixture = Fixture::slow(24 * MIB);
    let child = fixture.start_and_wait_for(&["get", SOURCE, "--connections", "2"], 10 * MIB);
    signal(&child, &["KILL"]);
    assert_eq!(end(child).code, None);
    assert_goes_on(&fixture);
}

#[test]
fn the_first_interrupt_keeps_a_checkpoint_and_says_how_to_go_on() {
    for name in ["INT", "TERM"] {
        let fixture = Fixture::slow(24 * MIB);
        let child = fixture.start_and_wait_for(&["get", SOURCE, "--connections", "2"], 4 * MIB);
        signal(&child, &[name]);
        let ended = end(child);
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
        assert!(ended.stderr.contains("run the same command again to go on"), "{}", ended.stderr);
        assert_goes_on(&fixture);
    }
}

#[test]
fn an_interrupt_ends_queued_downloads_too() {
    let fixture = Fixture::slow(24 * MIB);
    let more: Vec<String> =
        (0..40).map(|seed| format!("oss://examplebucket/generated/9MB-seed{seed}")).collect();
    let mut arguments = vec!["get", SOURCE, "--json"];
    arguments.extend(more.iter().map(String::as_str));
    let child = fixture.start_and_wait_for(&arguments, MIB);
    signal(&child, &["INT"]);
    let ended = end(child);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let objects = ended.json();
    assert_eq!(objects.len(), 42);
    let interrupted = objects.iter().filter(|object| object["state"] == "interrupted").count();
    assert_eq!(objects[41]["interrupted"].as_u64(), Some(interrupted as u64));
    assert!(interrupted >= 30, "{interrupted}");
}

#[test]
fn the_second_interrupt_ends_the_program_at_once_and_the_download_still_goes_on() {
    let fixture = Fixture::slow(48 * MIB);
    let child = fixture.start_and_wait_for(&["get", SOURCE, "--connections", "2"], 10 * MIB);
    // Both are there when the process continues; which one is second is the system's choice.
    signal(&child, &["STOP", "INT", "TERM", "CONT"]);
    let ended = end(child);
    assert!(matches!(ended.code, Some(130 | 143)), "{:?}", ended.code);
    assert_goes_on(&fixture);
}
