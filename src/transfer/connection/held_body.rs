//! The body of a first reply that has come before the driver has seen the reply's head, as those of small objects do. The
//! driver stores it on its own thread: handing it back to the worker would wake that thread for nothing else.

use std::sync::Arc;

use crate::storage::aligned::AlignedBuffer;
use crate::sync::Mutex;
use crate::sync::inbox::Sender;
use crate::transfer::counters::Counters;
use crate::transfer::disk::buffers::Buffers;
use crate::transfer::disk::intake::Intake;
use crate::transfer::event::{EndReason, Event, FetchEnd};

use super::span::Span;

/// Largest body that is held, in bytes; at most the size of a buffer. libcurl keeps more of a transfer that is paused
/// instead.
pub const MAX_HELD: usize = 256 * 1024;

/// Received bytes in a buffer of the client, to which it returns.
pub struct HeldBytes {
    /// Present until the drop.
    buffer: Option<AlignedBuffer>,
    buffers: Arc<Buffers>,
}

impl HeldBytes {
    /// Appends bytes, up to [`MAX_HELD`]; a body that is longer than its head has announced is not whole anyway.
    pub fn append(&mut self, bytes: &[u8]) {
        if let Some(buffer) = &mut self.buffer {
            let room = MAX_HELD.saturating_sub(buffer.len()).min(bytes.len());
            buffer.tail().extend_from_slice(&bytes[..room]);
        }
    }

    pub fn bytes(&self) -> &[u8] {
        self.buffer.as_ref().map_or(&[], AlignedBuffer::bytes)
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            self.buffers.give_back(buffer);
        }
    }
}

/// A body that waits for the driver, and how its transfer ended.
pub struct HeldBody {
    pub span: Arc<Span>,
    pub counters: Arc<Counters>,
    pub events: Sender<Event>,
    pub bytes: HeldBytes,
    pub end: Box<FetchEnd>,
}

impl HeldBody {
    /// Stores the body and then reports the end.
    pub fn store(self, intake: Intake) {
        let HeldBody { span, counters, bytes, mut end, .. } = self;
        let received = bytes.bytes().len();
        let claimed = span.claim(received, |claimed| {
            counters.bytes_from_network.add(received as u64);
            counters.bytes_done.add(claimed as u64);
            counters.bytes_discarded.add((received - claimed) as u64);
        });
        let ours = claimed.map_or(0, |(_, ours)| ours);
        end.received = ours as u64;
        if claimed.is_none() {
            end.ending = EndReason::Aborted;
        } else if ours < received {
            end.ending = EndReason::Cut;
        } else if matches!(end.ending, EndReason::Complete) {
            end.ending = end_of_body(&span);
        }
        intake.store_whole(&bytes.bytes()[..ours], end);
    }

    /// Reports this end and stores nothing.
    pub fn end(mut self, ending: EndReason) {
        self.end.ending = ending;
        // Nobody listens if the driver has ended.
        let _ = self.events.send(Event::Ended(self.end));
    }
}

/// The end of a fetch whose body has been received to its end.
pub fn end_of_body(span: &Span) -> EndReason {
    span.end_with_body();
    let missing = span.remaining();
    if missing.is_empty() {
        return EndReason::Complete;
    }
    EndReason::Broken {
        curl_code: curl_sys::CURLE_PARTIAL_FILE,
        message: format!("{} bytes short", missing.end - missing.start),
    }
}

/// Where a download's workers leave the body of its first reply for the driver.
pub struct BodyHolder {
    buffers: Arc<Buffers>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<HeldBody>,
    /// The last fetch that the driver has aborted. A first request is the only one that a download has in flight.
    aborted: Option<u64>,
}

impl BodyHolder {
    /// Bodies are held in buffers of `buffers`.
    pub fn new(buffers: Arc<Buffers>) -> Self {
        BodyHolder { buffers, state: Mutex::default() }
    }

    /// Room for a body, if a buffer is free.
    pub fn room(&self) -> Option<HeldBytes> {
        let buffers = self.buffers.clone();
        buffers.try_take().map(|buffer| HeldBytes { buffer: Some(buffer), buffers })
    }

    /// Leaves the body of an ended fetch; returns it if the driver has aborted the fetch.
    pub fn hold(&self, body: HeldBody) -> Result<(), HeldBody> {
        let mut state = self.state.lock();
        if state.aborted == Some(body.end.fetch) {
            return Err(body);
        }
        state.held = Some(body);
        Ok(())
    }

    /// Takes the body of this fetch, if it is here.
    pub fn take(&self, fetch: u64) -> Option<HeldBody> {
        self.state.lock().held.take_if(|held| held.end.fetch == fetch)
    }

    /// As [`BodyHolder::take`]; if it is not here yet, it will not be left any more.
    pub fn abort(&self, fetch: u64) -> Option<HeldBody> {
        let mut state = self.state.lock();
        state.aborted = Some(fetch);
        state.held.take_if(|held| held.end.fetch == fetch)
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
