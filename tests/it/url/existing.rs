//! An existing file, and a download to the same file that is at work, where the object is at a URL.

use std::fs;
use std::time::Duration;

use local_oss::Fault;
use oss_resumable::{DownloadRequest, Overwrite, Proof, WhenBusy};

use super::{client, link};
use crate::fixture::{BUCKET, Fixture, KEY, MIB, wait_for_progress};

const SIZE: u64 = 3 * MIB + 7;

fn if_different(fixture: &Fixture) -> DownloadRequest {
    let mut request = fixture.request_for(link(fixture));
    request.overwrite = Overwrite::IfDifferent;
    request
}

#[test]
fn an_existing_file_that_is_right_costs_one_byte_and_no_head() {
    let fixture = Fixture::new(SIZE);
    let outcome = client().download(&if_different(&fixture)).expect("download");
    fixture.assert_whole(&outcome);
    let before = fixture.server.requests().len();
    let outcome = client().download(&if_different(&fixture)).expect("nothing to do");
    assert_eq!((outcome.proof, outcome.statistics.bytes_reused), (Proof::ObjectCrc, SIZE));
    let requests = fixture.server.requests();
    let [request] = &requests[before..] else { panic!("{requests:?}") };
    assert_eq!((request.method.as_str(), request.range.as_deref()), ("GET", Some("bytes=0-0")));
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn an_existing_file_that_is_wrong_is_replaced_whatever_an_earlier_run_has_recorded() {
    let fixture = Fixture::new(SIZE);
    fs::write(fixture.target(), vec![7; SIZE as usize]).expect("a file of the object's size");
    fixture.interrupt(&fixture.request_for(link(&fixture)), SIZE / 2);
    fixture.server.replace(BUCKET, KEY);
    let outcome = client().download(&if_different(&fixture)).expect("the new object");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_reused, 0);
}

#[test]
fn a_download_that_waited_for_another_one_does_not_fetch_the_object_again() {
    let fixture = Fixture::new(SIZE);
    let slow = fixture.server.inject(Fault::RateLimit(MIB));
    let first = client();
    let first = first.start(&fixture.request_for(link(&fixture))).expect("start");
    wait_for_progress(&first, SIZE / 10);
    let mut request = fixture.request_for(link(&fixture));
    request.when_busy = WhenBusy::Wait;
    let second = client();
    let second = second.start(&request).expect("start");
    assert!(second.wait(Some(Duration::from_millis(200))).is_none(), "it waits");
    assert!(fixture.server.fault_hits(slow) > 0);
    fixture.server.clear_faults();
    let outcome = second.wait(None).expect("no limit").expect("download");
    assert_eq!(outcome.statistics.bytes_reused, SIZE);
    fixture.assert_whole(&first.wait(None).expect("no limit").expect("download"));
}
