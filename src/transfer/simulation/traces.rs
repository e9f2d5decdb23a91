//! The traces of a process's requests, and what must hold of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use crate::model::trace::{RequestEnd, RequestTrace};

use super::process::Process;
use super::universe::Universe;

/// The traces, in the order in which they were made.
#[derive(Default)]
pub struct Traces(Arc<Mutex<Vec<RequestTrace>>>);

impl Traces {
    pub fn sink(&self) -> impl Fn(RequestTrace) + Send + Sync + 'static {
        let traces = self.0.clone();
        move |trace| traces.lock().push(trace)
    }
}

impl Universe {
    /// Each request has one trace, and those of a slot follow each other.
    pub fn check_traces(&self, process: &Process) {
        let traces = process.traces.0.lock();
        let requests = process.watch.borrow().requests;
        if traces.len() as u64 != requests {
            self.violated("each request is traced once", || {
                format!("{} traces of {requests} requests", traces.len())
            });
        }
        let mut free_from = BTreeMap::<u32, Instant>::new();
        for trace in traces.iter() {
            let first_byte = trace.first_byte.unwrap_or(trace.started);
            let in_order = trace.started <= first_byte && first_byte <= trace.ended;
            let before = free_from.insert(trace.slot, trace.ended);
            let follows = before.is_none_or(|ended| ended <= trace.started);
            let whole = trace.range_end.map(|end| end + 1 - trace.range_start);
            let is_whole = whole.is_some_and(|whole| trace.bytes >= whole);
            let answered = trace.status != 0;
            let fits = match trace.end {
                RequestEnd::Complete => answered,
                // A service that ignores the range sends more.
                RequestEnd::Shared => answered && (!is_whole || trace.status == 200),
                RequestEnd::Refused => answered && trace.bytes == 0,
                _ => true,
            };
            if !(in_order && follows && fits && trace.slot < process.request.thread_num) {
                self.violated("a trace is what happened", || format!("{trace:?} after {before:?}"));
            }
        }
        let traced: u64 = traces.iter().map(|trace| trace.bytes).sum();
        let received = process.shared.counters.bytes_from_network.get();
        let discarded = process.shared.counters.bytes_discarded.get();
        if traced > received || traced + discarded < received {
            self.violated("a trace is what happened", || {
                format!("{traced} bytes are traced of {received}, {discarded} were discarded")
            });
        }
    }
}
