//! Resuming downloads of a range of the object.

use std::fs;
use std::ops::Range;

use local_oss::Object;
use oss_resumable::DownloadRequest;

use crate::fixture::{BUCKET, Fixture, KEY, MIB, PART};
use crate::traffic::{merged, sent};

/// Downloads and checks that the file is `range` of the object and that `held` bytes of it were reused.
fn finish(fixture: &Fixture, request: &DownloadRequest, range: Range<u64>, held: u64) {
    let before = fixture.server.requests().len();
    let outcome = fixture.client().download(request).expect("resume");
    fixture.assert_range(range.clone());
    assert_eq!(outcome.file_size, range.end - range.start);
    assert_eq!(outcome.statistics.bytes_reused, held);
    let replies = fixture.requests_after(before);
    assert_eq!(merged(replies.iter().map(sent)), [range.start + held..range.end]);
}

#[test]
fn the_download_of_a_range_resumes_at_its_byte() {
    let size = 2 * MIB;
    for (start, end, range) in [
        (0, 1_000_000, 0..1_000_001),
        (1, -1, 1..size),
        (777_777, 1_777_777, 777_777..1_777_778),
        (777_777, 999_999_999, 777_777..size),
    ] {
        let fixture = Fixture::new(size);
        let request = fixture.request().range(start, end);
        fixture.interrupt(&request, 123_456);
        finish(&fixture, &request, range, PART + 123_456);
        assert_eq!(fixture.files(), ["file.bin"]);
    }
}

#[test]
fn each_range_has_its_own_checkpoint() {
    let fixture = Fixture::new(2 * MIB);
    let requests = [
        (fixture.request(), 0),
        (fixture.request().range(1, -1), 1),
        (fixture.request().range(500_000, 1_600_000), 500_000),
    ];
    // They share a temporary file, so each interrupted run overwrites the previous one's.
    for (request, _) in &requests {
        fixture.interrupt(request, 123_456);
    }
    assert_eq!(fixture.files().len(), requests.len() + 1);
    let ends = [2 * MIB, 2 * MIB, 1_600_001];
    for ((request, start), end) in requests.iter().zip(ends) {
        let outcome = fixture.client().download(request).expect("download");
        assert_eq!(outcome.file_size, end - start);
        fixture.assert_range(*start..end);
    }
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn a_range_of_an_object_replaced_between_runs_is_downloaded_from_its_start() {
    for size in [3 * MIB, 2 * MIB, 700_000] {
        let fixture = Fixture::new(2 * MIB);
        let request = fixture.request().range(500_000, -1);
        fixture.interrupt(&request, 200_000);
        fixture.server.put(BUCKET, KEY, Object::pattern(size, 8));
        finish(&fixture, &request, 500_000..size, 0);
    }
    // The new object ends before the range starts.
    let fixture = Fixture::new(2 * MIB);
    fs::write(fixture.target(), "old").expect("write");
    let request = fixture.request().range(500_000, -1);
    fixture.interrupt(&request, 200_000);
    fixture.server.put(BUCKET, KEY, Object::pattern(499_999, 8));
    let error = fixture.client().download(&request).expect_err("out of range");
    assert_eq!((error.code(), error.status()), ("InvalidRange", 416));
    assert_eq!(fs::read(fixture.target()).expect("read"), b"old");
}
