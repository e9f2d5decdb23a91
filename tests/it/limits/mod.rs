//! The limits of a client: how many downloads run at once, over how many connections, and what waits meanwhile.

mod connections;
mod many;
mod queue;
mod unrest;

use std::time::{Duration, Instant};

use oss_resumable::{Client, Download, DownloadRequest, Error, Outcome};

use crate::fixture::{BUCKET, Fixture, PART};

/// A request for an object named `key`, to a file of the same name, without a checkpoint.
fn request(fixture: &Fixture, key: &str) -> DownloadRequest {
    let mut request = DownloadRequest::new(BUCKET, key);
    request.flush = false;
    request.file_path(fixture.dir().join(key)).part_size(PART)
}

fn start(client: &Client, request: &DownloadRequest) -> Download {
    client.start(request).expect("start")
}

fn end(download: &Download) -> Result<Outcome, Error> {
    download.wait(Some(Duration::from_secs(60))).expect("an end")
}

/// Waits until the condition holds.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up_at = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < give_up_at, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
