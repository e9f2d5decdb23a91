//! Pausing: requests are stopped, what they brought is stored and recorded, and nothing new begins until the download is
//! resumed.

use crate::model::error::Result;
use crate::model::options::LogLevel;
use crate::model::trace::RequestEnd;

use super::Driver;

/// How far a pause has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Requests have been told to stop.
    Begun,
    /// They have ended, and everything they brought is recorded.
    Complete,
}

impl Driver<'_> {
    pub fn is_paused(&self) -> bool {
        self.pause.is_some()
    }

    /// Begins, completes or ends a pause, as the host wants it; returns whether the download is paused. Called before
    /// everything that may start a request, and during every wait.
    pub fn follow_pause(&mut self) -> bool {
        match (self.shared.is_to_pause(), self.pause) {
            (true, None) => self.begin_pause(),
            (false, Some(_)) => self.end_pause(),
            _ => {}
        }
        if self.pause == Some(Pause::Begun) && !self.is_any_in_flight() {
            self.complete_pause();
        }
        self.is_paused()
    }

    /// Waits while the download is paused; an error if it is cancelled meanwhile. No request may be in flight and no
    /// proof running, so that no event can come but one that wakes the driver.
    pub fn sit_out_pause(&mut self) -> Result<()> {
        self.check_limits()?;
        while self.follow_pause() {
            self.next_event(None)?;
        }
        Ok(())
    }

    fn begin_pause(&mut self) {
        self.log(LogLevel::Info, || "pausing".to_owned());
        self.pause = Some(Pause::Begun);
        let now = self.now();
        if let Some(clock) = &mut self.throttle_clock {
            clock.advance(now);
        }
        // Its first reply, which shows whether it is a single stream, may be in the inbox.
        self.stopped_by_pause |= self.is_any_in_flight();
        self.abort_all(RequestEnd::Paused);
        if let Some(proof) = &self.proof {
            proof.pause();
        }
        self.follower.pause();
    }

    fn complete_pause(&mut self) {
        self.pause = Some(Pause::Complete);
        self.leave_share();
        self.world.network.close_idle_connections();
        self.shared.begin_pause();
    }

    /// The paused time counts against no limit, and no rate includes it.
    fn end_pause(&mut self) {
        self.log(LogLevel::Info, || "resuming".to_owned());
        self.pause = None;
        let now = self.now();
        self.shared.end_pause(now);
        // The attempts that were stopped might have succeeded, so their successors get the whole time.
        self.stall_clock.restart(now);
        if let Some(clock) = &mut self.throttle_clock {
            clock.skip(now);
        }
        if let Some(auto) = &mut self.auto_concurrency {
            auto.measure_anew(now);
        }
        for slot in &mut self.slots {
            slot.rate = 0.0;
            if let Some(in_flight) = &mut slot.in_flight {
                in_flight.measure_anew(now);
            }
        }
        if let Some(proof) = &self.proof {
            proof.resume();
        }
        self.follower.resume();
    }
}
