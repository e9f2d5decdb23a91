//! A program reads the temporary file while it grows.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use local_oss::{Fault, LoggedRequest, Matcher};
use oss_resumable::{Download, DownloadRequest, EventKind, EventQueue, Order, Status};

use crate::fixture::{BUCKET, Fixture, KEY, MIB, PART, wait_for_progress};

/// Reads a file up to the contiguous bytes, and compares it with what it has to be.
#[derive(Default)]
struct Reader {
    file: Option<File>,
    /// Bytes read since the last reset.
    read: u64,
    resets: u64,
    /// The number of contiguous bytes at each look that has found more of them.
    steps: Vec<u64>,
}

impl Reader {
    /// Reads what is new; `expected` has the right bytes after so many resets.
    #[track_caller]
    fn look(&mut self, download: &Download, expected: &[&[u8]]) -> Status {
        let status = download.status();
        if let (None, Some(path)) = (&self.file, &status.temp_path) {
            // It may have been renamed a moment ago.
            self.file = File::open(path).ok();
        }
        let Some(file) = &self.file else { return status };
        if status.contiguous_resets != self.resets {
            (self.read, self.resets) = (0, status.contiguous_resets);
        }
        let new = status.contiguous_bytes.saturating_sub(self.read);
        let mut bytes = vec![0; new as usize];
        let whole = file.read_exact_at(&mut bytes, self.read);
        if download.status().contiguous_resets == status.contiguous_resets && new > 0 {
            whole.expect("as many bytes as are contiguous");
            let right = expected[self.resets as usize];
            let right = &right[self.read as usize..status.contiguous_bytes as usize];
            assert!(bytes == right, "bytes from {} on", self.read);
            self.read = status.contiguous_bytes;
            self.steps.push(self.read);
        }
        status
    }

    /// Follows a download to its end, which is a success.
    #[track_caller]
    fn follow(&mut self, download: &Download, expected: &[&[u8]]) {
        while download.wait(Some(Duration::from_millis(2))).is_none() {
            self.look(download, expected);
        }
        download.wait(None).expect("no limit").expect("download");
        let last = self.look(download, expected);
        let size = expected[self.resets as usize].len() as u64;
        assert_eq!((last.contiguous_bytes, self.read), (size, size), "the file is read to its end");
        assert!(last.temp_path.is_none(), "it has been renamed: {last:?}");
    }
}

fn object(fixture: &Fixture) -> Vec<u8> {
    let size = fixture.server.object(BUCKET, KEY).expect("object").size();
    fixture.server.object_bytes(BUCKET, KEY, 0..size).expect("object")
}

fn sequential(fixture: &Fixture, connections: u32) -> DownloadRequest {
    fixture.request_with(|request| {
        (request.order, request.thread_num) = (Order::Sequential, connections);
    })
}

/// First and last byte of a request.
fn range(request: &LoggedRequest) -> (u64, u64) {
    let range = request.range.as_deref().and_then(|range| range.strip_prefix("bytes="));
    let (first, last) = range.expect("a range").split_once('-').expect("two bytes");
    (first.parse().expect("a number"), last.parse().expect("a number"))
}

#[test]
fn a_reader_that_follows_a_download_finds_only_the_objects_bytes() {
    for connections in [1, 4] {
        for order in [Order::Default, Order::Sequential] {
            let fixture = Fixture::new(4 * MIB);
            fixture.server.inject(Fault::RateLimit(4 * MIB / u64::from(connections)));
            fixture.server.inject_when(Matcher::any().every(3), Fault::ResetAfter(60_000));
            fixture.server.inject_when(Matcher::any().nth(5), Fault::StallAfter(10_000));
            let mut request = sequential(&fixture, connections);
            request.order = order;
            let download = fixture.client().start(&request).expect("start");
            let mut reader = Reader::default();
            reader.follow(&download, &[&object(&fixture)]);
            fixture.assert_range(0..4 * MIB);
            if order == Order::Sequential {
                assert!(reader.steps.len() >= 5, "{:?}", reader.steps);
            }
        }
    }
}

#[test]
fn with_sequential_order_the_first_missing_bytes_are_asked_for_first() {
    let fixture = Fixture::new(4 * MIB);
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    fixture.client().download(&sequential(&fixture, 4)).expect("download");
    fixture.assert_range(0..4 * MIB);
    let requests = fixture.server.requests();
    let parts = 4 * MIB / PART;
    assert!(requests.len() as u64 >= parts * 4 / 5, "{} requests", requests.len());
    let mut starts: Vec<_> = requests.iter().map(|request| range(request).0).collect();
    let in_order = starts.clone();
    starts.sort_unstable();
    // Requests that start together may arrive in another order.
    let displaced =
        in_order.iter().zip(&starts).all(|(is, sorted)| is.abs_diff(*sorted) <= 4 * PART);
    assert!(displaced, "{in_order:?}");
    for request in &requests {
        let (first, last) = range(request);
        assert!(last - first < PART * 5 / 4, "{first}-{last}");
    }
}

#[test]
fn the_default_order_still_takes_one_request_for_each_connection() {
    let fixture = Fixture::new(8 * MIB);
    let outcome = fixture.client().download(&fixture.request()).expect("download");
    assert!(outcome.statistics.requests <= 5, "{:?}", outcome.statistics);
}

#[test]
fn a_slow_connection_for_whose_bytes_a_reader_waits_is_not_left_far_behind() {
    let fixture = Fixture::new(6 * MIB);
    // 80 s for a part.
    fixture.server.inject_when(Matcher::any().nth(2), Fault::RateLimit(1280));
    fixture.server.inject_when(Matcher::any().from(3), Fault::RateLimit(MIB));
    let download = fixture.client().start(&sequential(&fixture, 3)).expect("start");
    Reader::default().follow(&download, &[&object(&fixture)]);
    let requests = fixture.server.requests();
    let (slow_start, slow_last) = range(&requests[1]);
    // When the server notices that the connection is closed depends on its pace.
    let mut later = requests[2..].iter();
    let takes_over = later.find(|later| (slow_start..=slow_last).contains(&range(later).0));
    let takes_over = takes_over.expect("its bytes were asked for again");
    let missing = range(takes_over).0;
    let meanwhile = requests.iter().filter(|request| request.received < takes_over.received);
    let furthest = meanwhile.map(|request| range(request).0).max().expect("requests");
    assert!(furthest < missing + 2 * 3 * PART, "{furthest} while {missing} was missing");
}

#[test]
fn only_verified_bytes_of_an_earlier_run_are_readable() {
    let fixture = Fixture::new(4 * MIB);
    fixture.server.inject(Fault::RateLimit(4 * MIB));
    let client = fixture.client();
    let download = client.start(&sequential(&fixture, 2)).expect("start");
    wait_for_progress(&download, 2 * MIB);
    download.cancel();
    let recorded = download.status().contiguous_bytes;
    download.wait(None).expect("no limit").expect_err("cancelled");
    assert!(recorded > 0);

    // The third part is wrong on the disk.
    let file = File::options().write(true).open(fixture.temp()).expect("temp file");
    file.write_all_at(&[0xff; 1000], 2 * PART + 500).expect("write");
    let object = object(&fixture);
    fixture.server.inject(Fault::RoundTrip(Duration::from_millis(300)));
    let download = client.start(&sequential(&fixture, 2)).expect("start");
    let mut reader = Reader::default();
    let until = Instant::now() + Duration::from_secs(30);
    while reader.look(&download, &[&object]).contiguous_bytes == 0 {
        assert!(Instant::now() < until, "nothing is verified");
    }
    reader.follow(&download, &[&object]);
    let reused = download.wait(None).expect("no limit").expect("download").statistics.bytes_reused;
    assert!(reused > 0, "{reused}");
    assert_eq!(reader.resets, 0, "bytes that were not verified had not been readable");
}

#[test]
fn a_start_over_takes_the_readable_bytes_back_before_others_are_in_their_place() {
    let fixture = Fixture::new(4 * MIB);
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    let old = object(&fixture);
    let download = fixture.client().start(&sequential(&fixture, 3)).expect("start");
    let mut reader = Reader::default();
    while reader.read < MIB {
        reader.look(&download, &[&old]);
    }
    fixture.server.replace(BUCKET, KEY);
    let new = object(&fixture);
    assert!(old != new);
    reader.follow(&download, &[&old, &new]);
    assert_eq!(reader.resets, 1);
    let fell = reader.steps.windows(2).any(|pair| pair[1] < pair[0]);
    assert!(fell, "{:?}", reader.steps);
}

#[test]
fn bytes_are_counted_from_the_start_of_the_file_if_that_is_a_range_of_the_object() {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    let request = sequential(&fixture, 2).range(MIB as i64 / 2, -1);
    let download = fixture.client().start(&request).expect("start");
    let object = object(&fixture);
    Reader::default().follow(&download, &[&object[MIB as usize / 2..]]);
}

#[test]
fn an_object_in_one_stream_can_be_followed_too() {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject(Fault::IgnoreRange);
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    let download = fixture.client().start(&sequential(&fixture, 3)).expect("start");
    Reader::default().follow(&download, &[&object(&fixture)]);
}

#[test]
fn the_path_of_the_temporary_file_is_known_from_the_first_reply_to_the_rename() {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject_when(Matcher::any().nth(1), Fault::RoundTrip(Duration::from_millis(200)));
    fixture.server.inject_when(Matcher::any().from(2), Fault::StallAfter(1000));
    let client = fixture.client_with(|options| options.idle_timeout = None);
    let download = client.start(&fixture.request()).expect("start");
    let early = download.status();
    assert_eq!((early.contiguous_bytes, early.contiguous_resets), (0, 0));
    assert!(early.temp_path.is_none());
    wait_for_progress(&download, PART);
    assert_eq!(download.status().temp_path.as_deref(), Some(fixture.temp().as_path()));
    download.cancel();
    download.wait(None).expect("no limit").expect_err("cancelled");
    let path = download.status().temp_path.expect("the checkpoint is kept");
    assert!(path.exists());
}

#[test]
fn progress_events_tell_how_much_can_be_read() {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    let queue = EventQueue::new().expect("queue");
    let request = sequential(&fixture, 1).event_queue(&queue, 7);
    let _download = fixture.client().start(&request).expect("start");
    let mut told = Vec::new();
    for event in queue.events(Some(Duration::from_secs(60))) {
        let event = event.expect("open");
        told.push(event.status.contiguous_bytes);
        if matches!(event.kind, EventKind::Ended(_)) {
            break;
        }
    }
    assert!(told.is_sorted(), "{told:?}");
    assert!(told.iter().any(|bytes| (1..2 * MIB).contains(bytes)), "{told:?}");
    assert_eq!(told.last(), Some(&(2 * MIB)));
}
