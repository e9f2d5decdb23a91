use super::*;
use crate::sync::inbox::inbox;
use crate::sync::scheduled::explore;
use crate::sync::thread;

#[test]
fn a_fetch_that_is_aborted_while_its_body_is_left_ends_exactly_once() {
    explore(|| {
        let (events, inbox) = inbox();
        let buffers = Arc::new(Buffers::default());
        buffers.reserve(1);
        let holder = Arc::new(BodyHolder::new(buffers.clone()));
        let body = HeldBody {
            span: Arc::new(Span::new(0..3)),
            counters: Arc::default(),
            events,
            bytes: holder.room().expect("a buffer"),
            end: Box::new(FetchEnd::without_reply(7, EndReason::Complete)),
        };
        let leaves = holder.clone();
        let worker = thread::spawn(move || {
            if let Err(aborted) = leaves.hold(body) {
                aborted.end(EndReason::Aborted);
            }
        });
        if let Some(held) = holder.abort(7) {
            held.end(EndReason::Aborted);
        }
        worker.join().expect("worker");
        let ends = inbox.try_iter().filter(|event| matches!(event, Event::Ended(_))).count();
        assert_eq!(ends, 1);
        assert!(holder.take(7).is_none());
        assert!(buffers.try_take().is_some(), "the buffer was given back");
    });
}
