//! The channel through which workers, writer threads and proof threads report to a driver.

use std::time::Instant;

use crate::sync::inbox::Receiver;
use crate::transfer::event::Event;
use crate::transfer::world::Inbox;

pub struct ChannelInbox(pub Receiver<Event>);

impl Inbox for ChannelInbox {
    fn recv_until(&self, until: Instant) -> Option<Event> {
        self.0.recv_deadline(until).ok()
    }

    fn recv(&self) -> Option<Event> {
        self.0.recv().ok()
    }

    fn try_recv(&self) -> Option<Event> {
        self.0.try_recv().ok()
    }
}
