//! Downloads start and end while several threads read their queue, cancel them and free the queue, under many schedules.

use std::collections::HashMap;

use super::*;
use crate::model::events::EventKind;
use crate::sync::inbox::inbox;
use crate::sync::scheduled::explore;
use crate::sync::thread::{self, JoinHandle};
use crate::transfer::Shared;

const CANCELLED: EventKind = EventKind::Ended(Err(ErrorKind::Cancelled));

/// A download whose driver runs until it is cancelled.
fn start(queue: &EventQueue, tag: u64) -> (Arc<Shared>, JoinHandle<()>) {
    let (events, inbox) = inbox();
    let shared = Arc::new(Shared::new(events, 0, Instant::now()));
    let request = DownloadRequest::new("examplebucket", "key").event_queue(queue, tag);
    shared
        .report_to(request.events.as_ref().expect("a queue"), request.tag)
        .expect("the queue is open");
    let driven = shared.clone();
    let driver = thread::spawn(move || {
        driven.report_start();
        while !driven.is_cancelled() {
            let _ = inbox.recv();
        }
        let error = Error::new(ErrorKind::Cancelled, "Cancelled", "the download was cancelled");
        driven.end(Err(error));
    });
    (shared, driver)
}

/// Reads until an end has come for each of `ends` downloads.
fn read(queue: &EventQueue, ends: usize) -> Vec<(u64, EventKind)> {
    let mut events = Vec::new();
    while events.iter().filter(|(_, kind)| *kind == CANCELLED).count() < ends {
        let event = queue.next(None).expect("open").expect("no limit");
        events.push((event.tag, event.kind));
    }
    events
}

/// The events of each download, without progress.
fn by_tag(events: Vec<(u64, EventKind)>) -> HashMap<u64, Vec<EventKind>> {
    let mut found = HashMap::<_, Vec<_>>::new();
    for (tag, kind) in events.into_iter().filter(|(_, kind)| *kind != EventKind::Progress) {
        found.entry(tag).or_default().push(kind);
    }
    found
}

fn nothing_waits(queue: &EventQueue) -> bool {
    queue.next(Some(Duration::ZERO)).expect("open").is_none()
}

#[test]
fn each_end_is_reported_once_and_after_the_start_and_the_result() {
    explore(|| {
        let queue = Arc::new(EventQueue::new().expect("queue"));
        let (downloads, drivers): (Vec<_>, Vec<_>) = (0..2).map(|tag| start(&queue, tag)).unzip();
        let reading = {
            let (queue, downloads) = (queue.clone(), downloads.clone());
            thread::spawn(move || {
                let events = read(&queue, 2);
                for download in downloads {
                    assert!(download.wait_until(Some(Instant::now())).is_some(), "the result");
                }
                events
            })
        };
        let cancelling = {
            let first = downloads[0].clone();
            thread::spawn(move || first.cancel())
        };
        downloads.iter().for_each(|download| download.cancel());
        let found = by_tag(reading.join().expect("read"));
        for tag in 0..2 {
            assert_eq!(found[&tag], [EventKind::Started, CANCELLED]);
        }
        cancelling.join().expect("cancel");
        drivers.into_iter().for_each(|driver| driver.join().expect("driver"));
        assert!(nothing_waits(&queue));
    });
}

#[test]
fn an_event_goes_to_one_of_the_threads_that_read() {
    explore(|| {
        let queue = Arc::new(EventQueue::new().expect("queue"));
        let (downloads, drivers): (Vec<_>, Vec<_>) = (0..2).map(|tag| start(&queue, tag)).unzip();
        // Each reads one start or end at least, and stops after one end.
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let queue = queue.clone();
                thread::spawn(move || read(&queue, 1))
            })
            .collect();
        downloads.iter().for_each(|download| download.cancel());
        let events = readers.into_iter().flat_map(|reader| reader.join().expect("read"));
        let mut kinds: Vec<_> = events.filter(|(_, kind)| *kind != EventKind::Progress).collect();
        kinds.sort_by_key(|(tag, kind)| (*tag, *kind == CANCELLED));
        let all = [0, 1].map(|tag| [(tag, EventKind::Started), (tag, CANCELLED)]);
        assert_eq!(kinds, all.concat());
        drivers.into_iter().for_each(|driver| driver.join().expect("driver"));
        assert!(nothing_waits(&queue));
    });
}

#[test]
fn a_queue_may_be_freed_while_downloads_start_run_and_end_and_a_thread_reads() {
    explore(|| {
        let queue = Arc::new(EventQueue::new().expect("queue"));
        queue.fd().expect("a descriptor");
        let (download, driver) = start(&queue, 7);
        let reading = {
            let queue = queue.clone();
            thread::spawn(move || {
                let mut ends = 0;
                loop {
                    match queue.next(None) {
                        Ok(event) => ends += u32::from(event.expect("no limit").kind == CANCELLED),
                        Err(error) => return (ends, error.kind()),
                    }
                }
            })
        };
        let closing = thread::spawn(move || queue.close());
        download.cancel();
        let (ends, error) = reading.join().expect("read");
        assert!(ends <= 1);
        assert_eq!(error, ErrorKind::Cancelled);
        closing.join().expect("close");
        driver.join().expect("driver");
        assert!(download.wait_until(None).is_some_and(|result| result.is_err()));
    });
}
