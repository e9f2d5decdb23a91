//! Traces of requests that have ended, for the host.

use crate::model::trace::{RequestEnd, RequestTrace};
use crate::transfer::event::{EndReason, FetchEnd};
use crate::transfer::policy::reply_check::UNKNOWN;

use super::Driver;
use super::in_flight::InFlight;

impl Driver<'_> {
    /// Reports a request that is no longer in flight, if the host wants to know; without an `end` if it was left to end
    /// by itself.
    pub(super) fn trace(&self, slot: usize, in_flight: &InFlight, end: Option<&FetchEnd>) {
        let Some(sink) = &self.options.trace else { return };
        let after_start = |time| in_flight.started.checked_add(time);
        let connection = end.and_then(|end| end.connection);
        let asked = &in_flight.asked;
        let received = in_flight.span.remaining().start - in_flight.span.start();
        sink(RequestTrace {
            tag: self.request.tag,
            slot: u32::try_from(slot).unwrap_or(u32::MAX),
            is_head: in_flight.is_head,
            range_start: asked.start,
            range_end: asked.end.checked_sub(1).filter(|_| asked.end != UNKNOWN),
            started: in_flight.started,
            connected: connection.and_then(|used| used.ready).and_then(after_start),
            first_byte: end.and_then(|end| end.first_byte).and_then(after_start),
            ended: self.now(),
            bytes: end.map_or(received, |end| end.received),
            status: end.map_or(0, |end| end.head.status),
            peer: connection.map(|used| used.peer),
            local_port: connection.map_or(0, |used| used.local_port),
            is_reused: connection.is_some_and(|used| used.is_reused),
            end: cause(in_flight, end),
            curl_code: match end.map(|end| &end.ending) {
                Some(EndReason::Broken { curl_code, .. }) => *curl_code,
                _ => 0,
            },
            request_id: end.and_then(|end| end.head.request_id()).map(str::to_owned),
        });
    }
}

fn cause(in_flight: &InFlight, end: Option<&FetchEnd>) -> RequestEnd {
    match end.map(|end| &end.ending) {
        None | Some(EndReason::Aborted) => in_flight.stopped.unwrap_or(RequestEnd::Stopped),
        Some(EndReason::Complete) => RequestEnd::Complete,
        Some(EndReason::Cut) => RequestEnd::Shared,
        Some(EndReason::Refused) => RequestEnd::Refused,
        Some(EndReason::Unusable(_)) => RequestEnd::Unusable,
        Some(EndReason::Broken { .. }) => RequestEnd::Broken,
        Some(EndReason::Stalled) => RequestEnd::Stalled,
        Some(EndReason::Fault(_)) => RequestEnd::Failed,
    }
}
