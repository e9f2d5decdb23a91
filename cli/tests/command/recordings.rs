//! `--trace` and `--timeline`.

use local_oss::Fault;
use serde_json::Value;

use crate::fixture::{Fixture, MIB, SOURCE};

/// An object that is fetched over several connections.
fn several_connections() -> Fixture {
    let fixture = Fixture::new(24 * MIB);
    fixture.server.inject(Fault::RateLimit(16 * MIB));
    fixture
}

#[test]
fn the_trace_has_a_line_for_each_request() {
    let fixture = several_connections();
    fixture.run(&["get", SOURCE, "--connections", "3", "--trace", "trace"]).success();
    let text = std::fs::read_to_string(fixture.path("trace")).expect("trace");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(lines.len(), fixture.server.requests().len());
    assert_eq!(
        lines.iter().map(|line| line["bytes"].as_u64().expect("bytes")).sum::<u64>(),
        24 * MIB
    );
    for line in &lines {
        assert_eq!((&line["source"], &line["method"]), (&SOURCE.into(), &"GET".into()));
        assert_eq!(line["status"], 206);
        assert!(line["start_us"].as_u64() <= line["first_byte_us"].as_u64(), "{line}");
        assert!(line["first_byte_us"].as_u64() <= line["end_us"].as_u64(), "{line}");
        assert!(matches!(line["end"].as_str(), Some("complete" | "shared")), "{line}");
    }
}

#[test]
fn the_timeline_is_a_picture_with_a_bar_for_each_request() {
    let fixture = several_connections();
    fixture.run(&["get", SOURCE, "--connections", "3", "--timeline", "picture.svg"]).success();
    let picture = std::fs::read_to_string(fixture.path("picture.svg")).expect("picture");
    assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"), "{picture}");
    let bars = picture.matches("fill=\"#2C7BB6\"").count();
    // One more is the legend's.
    assert_eq!(bars, fixture.server.requests().len() + 1, "{picture}");
}

#[test]
fn a_recording_that_cannot_be_written_is_an_error() {
    let fixture = Fixture::new(1000);
    let ended = fixture.run(&["get", SOURCE, "--trace", "missing/trace"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("cannot create 'missing/trace'"), "{}", ended.stderr);
    let ended = fixture.run(&["get", SOURCE, "--trace", "/dev/full"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("cannot write the trace"), "{}", ended.stderr);
    let ended = fixture.run(&["get", SOURCE, "--timeline", "missing/picture.svg"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("cannot write the timeline"), "{}", ended.stderr);
}
