//! A prefix download is paused, resumed and cancelled while its events are read, under many schedules.

use super::*;
use crate::event_queue::EventQueue;
use crate::model::error::ErrorKind;
use crate::model::events::EventKind;
use crate::model::prefix::PrefixRequest;
use crate::sync::channel::unbounded;
use crate::sync::scheduled::explore;
use crate::sync::thread::JoinHandle;

const CANCELLED: EventKind = EventKind::Ended(Err(ErrorKind::Cancelled));

/// A prefix download without objects, whose thread follows pauses until it is cancelled.
fn start(queue: &EventQueue) -> (Arc<Control>, JoinHandle<()>) {
    let (wake, inbox) = unbounded();
    let control = Arc::new(Control::new(wake, Instant::now()));
    let request = PrefixRequest::new("examplebucket", "", "/").event_queue(queue, 7);
    let queue = request.events.as_ref().expect("a queue");
    control.report_to(queue, request.tag).expect("the queue is open");
    let run = control.clone();
    let thread = thread::spawn(move || {
        run.enter();
        run.report_start();
        run.begin_transfer();
        while !run.is_cancelled() {
            run.follow_pause();
            let _ = inbox.recv();
        }
        run.end(Err(Error::new(ErrorKind::Cancelled, "Cancelled", "the download was cancelled")));
        run.leave();
    });
    (control, thread)
}

#[test]
fn each_pause_is_reported_and_after_the_last_one_the_end() {
    explore(|| {
        let queue = EventQueue::new().expect("queue");
        let (control, run) = start(&queue);
        control.pause();
        let mut kinds = Vec::new();
        while kinds.last() != Some(&CANCELLED) {
            let event = queue.next(None).expect("open").expect("no limit");
            if event.kind == EventKind::Progress {
                continue;
            }
            kinds.push(event.kind);
            if event.kind == EventKind::Paused {
                assert_eq!(event.status.phase, Phase::Paused);
                // It has nothing to do in between, and may not even notice.
                control.resume();
                match kinds.len() {
                    ..4 => control.pause(),
                    _ => control.cancel(),
                }
            }
        }
        let paused = EventKind::Paused;
        assert_eq!(kinds, [EventKind::Started, paused, paused, paused, CANCELLED]);
        assert!(control.wait(Some(Duration::ZERO)).is_some(), "the end is reported after it");
        run.join().expect("run");
    });
}

#[test]
fn the_end_is_reported_once_while_others_pause_and_cancel() {
    explore(|| {
        let queue = Arc::new(EventQueue::new().expect("queue"));
        let (control, run) = start(&queue);
        let callers = [Control::pause, Control::resume, Control::cancel, Control::cancel];
        let callers = callers.map(|call| {
            let control = control.clone();
            thread::spawn(move || call(&control))
        });
        let mut kinds = Vec::new();
        while kinds.last() != Some(&CANCELLED) {
            kinds.push(queue.next(None).expect("open").expect("no limit").kind);
        }
        assert_eq!(kinds.first(), Some(&EventKind::Started));
        let pauses = kinds.iter().filter(|kind| **kind == EventKind::Paused).count();
        assert!(pauses <= 1, "{kinds:?}");
        callers.into_iter().for_each(|caller| caller.join().expect("a call"));
        control.join();
        assert!(queue.next(Some(Duration::ZERO)).expect("open").is_none());
        run.join().expect("run");
    });
}
