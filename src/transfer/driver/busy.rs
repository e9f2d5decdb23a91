//! Another run uses the files: this one fails, or waits until it has ended.

use std::time::Duration;

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::options::LogLevel;
use crate::model::outcome::{Outcome, Phase};

use super::Driver;
use super::recovery::EarlierRun;

/// Time after which the files are tried again: at first, and at most.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LATEST_LOOK: Duration = Duration::from_millis(200);

impl Driver<'_> {
    /// Gets the files and the first successful reply, and prepares the transfer, or returns the outcome if an existing
    /// file is what the request wants. If another run uses the files, waits for it if the request wants that.
    pub fn begin(&mut self) -> Result<Option<Outcome>> {
        let (mut look, mut may_look_again) = (FIRST_LOOK, true);
        loop {
            let begun = match self.has_files {
                true => self.open().map(|()| None),
                false => self.get_files(),
            };
            let busy = match begun {
                Err(busy) if busy.kind() == ErrorKind::Busy && self.knows_by_locks() => busy,
                begun => return begun,
            };
            if self.request.waits_if_busy() {
                self.let_go(&busy);
                self.wait_for_other(&busy, look)?;
                look = (look * 3 / 2).min(LATEST_LOOK);
            } else if self.has_files && may_look_again {
                // The files were free at first. The run that has created them since may have died.
                self.let_go(&busy);
                may_look_again = false;
            } else {
                return Err(busy);
            }
        }
    }

    /// Whether locks show when another run does not use the files any more. Before the first request nothing else has
    /// shown that it does.
    fn knows_by_locks(&self) -> bool {
        let temp = self.earlier_run.temp.as_ref();
        !self.has_files || self.earlier_run.is_late || temp.is_some_and(|temp| temp.is_locked())
    }

    fn get_files(&mut self) -> Result<Option<Outcome>> {
        self.recover()?;
        let seen = self.target_to_compare();
        if self.may_be_wanted(seen) {
            if let Some(outcome) = self.existing_file()? {
                return Ok(Some(outcome));
            }
            // It is not compared again after a wait, which may end with the same file.
            self.rejected = seen;
            if !self.earlier_run.has_temp {
                // Nothing was locked, and it may have taken long: another run may have left something meanwhile.
                self.world.storage.release();
                self.earlier_run = EarlierRun::default();
                self.recover()?;
            }
        }
        if self.request.waits_if_busy() {
            self.reserve_file()?;
            // Another run may have finished before the file was locked. None can any more.
            let now = self.target_to_compare();
            if now != seen
                && self.may_be_wanted(now)
                && let Some(outcome) = self.existing_file()?
            {
                return Ok(Some(outcome));
            }
        }
        self.has_files = true;
        self.open()?;
        Ok(None)
    }

    /// Creates the temporary file before the first request, so that of several runs that wait for each other only one
    /// asks for the object.
    fn reserve_file(&mut self) -> Result<()> {
        if !self.earlier_run.has_temp {
            let temp = Some(self.world.storage.create_temp()?);
            self.earlier_run = EarlierRun { temp, is_new: true, ..EarlierRun::default() };
        }
        Ok(())
    }

    /// Releases the files, and removes those that this run has created.
    fn let_go(&mut self, busy: &Error) {
        self.drain();
        self.leave_share();
        self.clean_up(busy);
        self.earlier_run = EarlierRun::default();
        self.world.storage.release();
        self.has_files = false;
    }

    /// Waits until the files are to be tried again.
    fn wait_for_other(&mut self, busy: &Error, look: Duration) -> Result<()> {
        if look == FIRST_LOOK {
            self.log(LogLevel::Info, || format!("waiting for another run: {busy}"));
        }
        self.shared.set_phase(Phase::Queued);
        // Several that wait do not look at the same time.
        let until = self.now() + look.mul_f64((1.0 + self.world.chance.draw()) / 2.0);
        while self.now() < until {
            self.next_event(Some(until)).map_err(|error| waited_for(error, busy))?;
        }
        self.shared.set_phase(Phase::Starting);
        // Nothing was expected from the service meanwhile.
        self.stall_clock.restart(self.now());
        Ok(())
    }
}

/// Says in the error of a deadline what the time was spent on.
fn waited_for(error: Error, busy: &Error) -> Error {
    match (error.kind(), busy.path()) {
        (ErrorKind::Deadline, Some(path)) => error
            .with_context(&format!("; it waited for another run, which uses '{}'", path.display())),
        _ => error,
    }
}
