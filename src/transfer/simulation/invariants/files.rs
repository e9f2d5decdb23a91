//! What must hold of the files: what is recorded is there, and nothing else is left.

use crate::model::error::{Error, ErrorKind};
use crate::model::extent::Extent;
use crate::transfer::simulation::content::Content;
use crate::transfer::simulation::plan::{End, FaultKind};
use crate::transfer::simulation::process::Process;
use crate::transfer::simulation::universe::Universe;
use crate::transfer::simulation::watch::usable;

use super::{is_nearly, wanted};

impl Universe {
    /// The power fails while nothing runs: what was reported as done and flushed is still there.
    pub fn power_fails(&self) {
        let processes = self.processes.borrow();
        let last = processes.last().filter(|process| {
            // Without locks, a run may go on writing to a file that another one has taken over and finished.
            let shares = !self.plan.disk.locks && self.others_of_target(process);
            let is_done = matches!(&*process.result.borrow(), Some(Ok(_)));
            process.request.flush && is_done && !shares
        });
        let before = last.map(|process| self.disk.target(&process.request));
        self.disk.power_loss();
        let after = last.map(|process| self.disk.target(&process.request));
        if before != after {
            self.violated("what was flushed survives", || format!("{before:?}, then {after:?}"));
        }
    }

    /// After a kill or an end, what the journal says is in the file.
    pub(super) fn check_journal(&self, process: &Process) {
        // A run that has started before may empty the file that another one has left meanwhile, and one without a
        // checkpoint or of another range that of this one.
        if self.is_damaged() || self.others_of_target(process) || !self.runs_are_alike(process) {
            return;
        }
        let Some((header, extents)) = self.disk.journal(&process.request) else { return };
        let name = header.temp_name.to_string_lossy().into_owned();
        let temps = self.disk.temp_files();
        let temp = temps.iter().find(|(path, _)| path.to_string_lossy().ends_with(&name));
        let Some((_, bytes)) = temp else {
            // The rename comes before the journal is removed.
            return;
        };
        // A run that starts over empties the file before it replaces the journal. What the journal says of bytes beyond
        // the file's end is ignored by later runs.
        let base = header.range.start;
        let is_new = bytes.pieces().iter().all(|piece| piece.content == Content::ZEROS);
        let lacks = |extent: &&Extent| {
            let held = bytes.slice(extent.offset - base..extent.end() - base);
            extent.end() - base <= bytes.len() && !is_new && held.crc() != extent.crc
        };
        if let Some(extent) = extents.iter().find(lacks) {
            self.violated("what the journal says is there", || format!("{extent:?} in {bytes:?}"));
        }
    }

    pub(super) fn check_target_after_kill(&self, process: &Process) {
        let now = self.disk.target(&process.request);
        let lost = matches!(process.plan.end, Some(End::PowerLoss(_)));
        let spoiled = lost || self.is_written_to(process);
        if now == process.watch.borrow().target || self.others_of_target(process) || spoiled {
            return;
        }
        // The new file, whole.
        let service = self.service.borrow();
        let whole = service.generations.iter().any(|generation| {
            let (content, range) = wanted(&process.request, generation);
            now.as_ref().is_some_and(|now| {
                let flips = self.plan.faults.iter().any(|f| matches!(f.kind, FaultKind::Flip(_)));
                let corrupt = !self.plan.disk.corrupt_writes.is_empty();
                now.are(content, range.clone())
                    || ((flips || corrupt) && is_nearly(now, content, range.start, range.end))
            })
        });
        if !whole {
            self.violated("the old file stays until the rename", || format!("it is {now:?}"));
        }
    }

    pub(super) fn check_target_after_error(&self, process: &Process, error: &Error) {
        let now = self.disk.target(&process.request);
        let replaced = error.code() == "FlushError" && error.message().contains("directory");
        if now != process.watch.borrow().target && !replaced && !self.others_of_target(process) {
            self.violated("the old file stays after an error", || format!("{error}; {now:?}"));
        }
    }

    pub(super) fn check_left_after_error(&self, process: &Process, error: &Error) {
        let useless = error.kind() == ErrorKind::ObjectChanged
            || matches!(error.code(), "CrcCheckError" | "DiskCorruption" | "FlushError")
            // What an earlier run left is kept if nothing was fetched.
            || (error.code() == "DigestMismatch" && error.message().ends_with("nothing was kept"));
        let made_nothing = matches!(error.code(), "Busy");
        if made_nothing {
            return;
        }
        if useless {
            self.check_nothing_left(process, error.code());
        } else if process.plan.request.checkpoint {
            self.check_kept(process, error);
        } else if !process.watch.borrow().had_temp {
            self.check_nothing_left(process, "a failure without a checkpoint");
        }
    }

    /// Everything that has come is recorded for the next run.
    pub(super) fn check_kept(&self, process: &Process, error: &Error) {
        if self.has_reason(process) || self.others_of_target(process) {
            return;
        }
        let figures = process.shared.statistics();
        let watch = process.watch.borrow();
        let came =
            (figures.bytes_from_network + watch.damaged).saturating_sub(figures.bytes_discarded);
        let kept = usable(self, process);
        if kept < watch.recorded + came {
            self.violated("a failure keeps what came", || {
                format!("{kept} bytes; {} were recorded: {figures:?} {error}", watch.recorded)
            });
        }
    }

    /// Neither a temporary file nor a journal is left.
    pub(super) fn check_nothing_left(&self, process: &Process, after: &str) {
        if self.is_damaged() || self.others_of_target(process) {
            return;
        }
        let mut temps = self.disk.temp_files();
        temps.retain(|(path, _)| process.owns(path));
        let journal = self.disk.journal(&process.request).is_some();
        if (!temps.is_empty() || journal) && self.runs_are_alike(process) {
            self.violated("nothing is left", || format!("after {after}: {temps:?}"));
        }
    }

    /// Whether all runs use the same files: those without a checkpoint, or of another range, do not know the journals of
    /// the others.
    pub(super) fn runs_are_alike(&self, process: &Process) -> bool {
        self.plan.runs.iter().all(|run| {
            run.request.checkpoint == process.plan.request.checkpoint
                && run.request.range == process.plan.request.range
        })
    }
}
