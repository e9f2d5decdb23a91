//! What ends a listing from another thread: its canceller, or its client, which knows the page requests that are running.

use std::sync::Arc;

use crate::model::error::{Error, ErrorKind, Result};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::inbox::Sender;
use crate::sync::{Condvar, Mutex};

use super::event::Event;

/// What ends one listing from another thread.
pub struct ListControl {
    events: Sender<Event>,
    is_cancelled: AtomicBool,
    /// It was cancelled because the client's requests are disabled.
    is_disabled: AtomicBool,
}

impl ListControl {
    /// `events` wakes the thread that waits for a page.
    pub fn new(events: Sender<Event>) -> Self {
        ListControl {
            events,
            is_cancelled: AtomicBool::new(false),
            is_disabled: AtomicBool::new(false),
        }
    }

    pub fn events(&self) -> &Sender<Event> {
        &self.events
    }

    /// Ends the listing, now or when it asks for its next page.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Release);
        // A listing that has ended needs no waking.
        let _ = self.events.send(Event::Wake);
    }

    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }

    pub fn is_disabled(&self) -> bool {
        self.is_disabled.load(Ordering::Acquire)
    }
}

/// The page requests of one client.
#[derive(Default)]
pub struct Listings {
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Default)]
struct State {
    is_closed: bool,
    is_disabled: bool,
    running: Vec<Arc<ListControl>>,
}

/// A running page request. It has ended when this value is dropped.
pub struct Running<'a> {
    listings: &'a Listings,
    control: &'a Arc<ListControl>,
}

impl Listings {
    /// Fails if no listing may start.
    pub fn require_open(&self) -> Result<()> {
        self.state.lock().require_open()
    }

    /// A page request of this listing begins.
    pub fn enter<'a>(&'a self, control: &'a Arc<ListControl>) -> Result<Running<'a>> {
        let mut state = self.state.lock();
        state.require_open()?;
        state.running.push(control.clone());
        Ok(Running { listings: self, control })
    }

    /// Ends the running requests because requests are disabled, and refuses new ones.
    pub fn disable(&self) {
        let mut state = self.state.lock();
        state.is_disabled = true;
        for control in &state.running {
            control.is_disabled.store(true, Ordering::Release);
            control.cancel();
        }
    }

    /// Allows listings again.
    pub fn enable(&self) {
        self.state.lock().is_disabled = false;
    }

    /// Cancels the running requests, waits for their ends, and refuses new ones.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.running.iter().for_each(|control| control.cancel());
        while !state.running.is_empty() {
            self.left.wait(&mut state);
        }
    }
}

impl State {
    fn require_open(&self) -> Result<()> {
        if self.is_closed {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "Cancelled",
                "the client is closed; it can list nothing any more",
            ));
        }
        if self.is_disabled { Err(Error::disabled()) } else { Ok(()) }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.listings.state.lock();
        if let Some(at) = state.running.iter().position(|one| Arc::ptr_eq(one, self.control)) {
            state.running.swap_remove(at);
        }
        drop(state);
        self.listings.left.notify_all();
    }
}
