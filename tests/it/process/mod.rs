//! Process-level events: a process is killed, stopped, interrupted, forked, or exits.

use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use crate::fixture::Fixture;

pub mod alone;
mod cancels;
mod concurrent_runs;
mod encrypted;
mod exits;
pub mod job;
mod kills;
mod moments;
mod raw;
mod signals;
mod stress;

/// Waits until `condition` holds.
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let give_up_at = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < give_up_at, "{what}: not in 30 s");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until this many bytes are in the temporary file.
fn wait_for_bytes(fixture: &Fixture, bytes: u64) {
    let stored = || std::fs::metadata(fixture.temp()).map_or(0, |file| file.blocks() * 512);
    wait_until("bytes in the file", || stored() >= bytes);
}

/// Waits until the server has received a request.
fn wait_for_request(fixture: &Fixture) {
    wait_until("a request", || !fixture.server.requests().is_empty());
}
