//! What must hold in every life: at the end of each run and after each kill.

mod files;
mod limits;

use crate::model::digest::{Algorithms, Crc64};
use crate::model::error::{Error, ErrorKind};
use crate::model::outcome::{Outcome, Proof};
use crate::model::request::DownloadRequest;

use super::causes;
use super::content::{Bytes, Content};
use super::disk::{Damage, Occupied};
use super::plan::{End, EtagKind, FaultKind, Processed, RunPlan};
use super::process::{Process, wanted_range};
use super::service::{ERROR_DOCUMENT, Generation, processed_content, processed_size};
use super::universe::Universe;
use super::watch::usable;

/// Bytes beyond the end of a span that a connection may bring in vain.
const IN_VAIN: u64 = 16 * 1024;

impl Universe {
    pub fn run_starts(&self, process: &Process) {
        let mut watch = process.watch.borrow_mut();
        watch.target = self.disk.target(&process.request);
        watch.recorded = usable(self, process);
        let journal = self.disk.journal(&process.request);
        let listed = journal.map(|(_, extents)| extents).unwrap_or_default();
        watch.listed = listed.iter().map(|extent| extent.len).sum();
        watch.followed.holds(&listed);
        watch.had_temp = self.disk.temp_files().iter().any(|(path, _)| process.owns(path));
    }

    /// Checks what a run has left, however it has ended.
    pub fn run_ended(&self, process: &Process) {
        let journal = self.disk.journal(&process.request);
        process.watch.borrow_mut().leaves = journal.is_some_and(|(_, extents)| !extents.is_empty());
        self.check_journal(process);
        self.check_time(process);
        match &*process.result.borrow() {
            None => self.check_target_after_kill(process),
            Some(Ok(outcome)) => {
                self.check_file(process, outcome);
                self.check_statistics(process, outcome);
                self.check_economy(process, outcome);
                self.check_nothing_left(process, "a success");
            }
            Some(Err(error)) => {
                self.check_target_after_error(process, error);
                self.check_error(process, error);
                self.check_left_after_error(process, error);
            }
        }
        if process.result.borrow().is_some() {
            self.check_traces(process);
            let status = process.shared.status();
            let requests = process.watch.borrow().requests;
            if status.active_connections != 0 || status.statistics.requests != requests {
                self.violated("statistics add up", || {
                    format!("{requests} requests were started, and the status is {status:?}")
                });
            }
        }
    }

    /// When a download ends, nothing of it goes on.
    pub fn check_requests(&self, process: &Process) {
        if self.net.borrow().flights().any(|flight| flight.process == process.index) {
            self.violated("no request outlives its download", String::new);
        }
        // One new start because the object has changed, and one because the checksum was wrong.
        let starts = process.watch.borrow().starts;
        if starts > 3 && !self.has_streams(process) && self.plan.faults.is_empty() {
            self.violated("a download starts over once", || {
                format!("it has started {starts} times")
            });
        }
    }

    /// Whether the object may be fetched in one stream, which is repeated when it breaks.
    fn has_streams(&self, process: &Process) -> bool {
        let service = &self.plan.service;
        process.request.is_processed()
            || self.plan.object.etag != EtagKind::Strong
            || service.ignores_ranges
            || service.refuses_etag
            || !self.plan.disk.failures.is_empty()
    }

    /// Success means the bytes of one generation that was there during the run.
    fn check_file(&self, process: &Process, outcome: &Outcome) {
        let promise = "success only with the object's bytes";
        let Some(bytes) = self.disk.target(&process.request) else {
            return self.violated(promise, || "there is no file".to_owned());
        };
        if self.is_written_to(process) && bytes.len() == outcome.file_size {
            return;
        }
        let others = self.others_of_target(process);
        if others && bytes.crc() != outcome.crc64 {
            // Another run has replaced the file meanwhile.
            return;
        }
        let service = self.service.borrow();
        let there = |generation: &&Generation| {
            generation.until.is_none_or(|until| until >= process.started)
        };
        let found = service.generations.iter().filter(there).find(|generation| {
            let (content, range) = wanted(&process.request, generation);
            bytes.are(content, range.clone())
                || (self.may_be_wrong(process, outcome)
                    && is_nearly(&bytes, content, range.start, range.end))
        });
        let Some(generation) = found else {
            return self.violated(promise, || format!("the file is {bytes:?}, {outcome:?}"));
        };
        let corrupt = !self.plan.disk.corrupt_writes.is_empty();
        if self.plan.disk.locks && self.plan.disk.trusted && self.must_be_busy(process) {
            self.violated("one run uses the files", || format!("{outcome:?}"));
        }
        if process.plan.request.processed == Some(Processed::Error)
            && bytes.are(ERROR_DOCUMENT.0, 0..ERROR_DOCUMENT.1.len() as u64)
        {
            self.violated("an error never becomes the file", || format!("{outcome:?}"));
        }
        if process.plan.request.checkpoint
            && self.plan.disk.trusted
            && self.disk.has_sdk_record(&process.request)
        {
            self.violated("a used file has no other record", || format!("{outcome:?}"));
        }
        if process.watch.borrow().appeared {
            self.violated("what must not be replaced stays", || format!("{outcome:?}"));
        }
        self.check_digests(process, outcome, &bytes);
        if outcome.file_size != bytes.len() || (outcome.crc64 != bytes.crc() && !corrupt) {
            self.violated(promise, || format!("{} bytes; {outcome:?}", bytes.len()));
        }
        let is_whole = !process.request.is_processed() && bytes.len() == generation.size;
        match outcome.proof {
            Proof::ObjectCrc if outcome.object_crc64 != Some(outcome.crc64) || !is_whole => {
                self.violated("a proof is what it says", || format!("{bytes:?} {outcome:?}"));
            }
            Proof::NotCompared if process.client.verify_crc => {
                self.violated("a proof is what it says", || format!("{outcome:?}"));
            }
            _ => {}
        }
    }

    /// Success with an expected digest means that the file has it.
    fn check_digests(&self, process: &Process, outcome: &Outcome, bytes: &Bytes) {
        let expected = process.request.expected_digests();
        let mut found = bytes.digests(Algorithms { sha256: true, md5: true, crc64: true });
        // That of the bytes that were received, which the disk may have changed.
        found.crc64 = Some(Crc64(outcome.crc64));
        if let Some(mismatch) = expected.contradicted_by(&found) {
            self.violated("the file has the expected digest", || {
                format!("{mismatch:?}, {bytes:?}")
            });
        }
        if (outcome.proof == Proof::ExpectedDigest) == expected.is_empty() {
            self.violated("a proof is what it says", || format!("{outcome:?}"));
        }
    }

    /// Whether another program has written into the temporary file, which only `verify_before_rename` detects
    /// (docs/reliability.md).
    pub(super) fn is_written_to(&self, process: &Process) -> bool {
        let request = &process.plan.request;
        let damages = || process.plan.meanwhile.iter().map(|(_, damage)| damage);
        let writes = |damage: &Damage| matches!(damage, Damage::Zeros(_) | Damage::Overwritten(..));
        // A truncation is not seen if the file is extended before the next look at it.
        let lengths = damages().filter(|damage| matches!(damage, Damage::Length(_))).count();
        !request.verify_before_rename && (damages().any(writes) || lengths > 1)
    }

    /// Whether a byte may be wrong without a proof that denies it: a bit was flipped on the wire and no CRC-64 was
    /// compared, or the disk returned other bytes than were written ("a local disk is trusted to return what was
    /// written to it, unless `verify_before_rename` is on", docs/reliability.md).
    fn may_be_wrong(&self, process: &Process, outcome: &Outcome) -> bool {
        let flips = self.plan.faults.iter().any(|fault| matches!(fault.kind, FaultKind::Flip(_)));
        let unproven = matches!(outcome.proof, Proof::Generation | Proof::NotCompared);
        // These digests are computed from what the disk returns.
        let request = &process.request;
        let is_read = request.expected_sha256.is_some() || request.expected_md5.is_some();
        let corrupt = !self.plan.disk.corrupt_writes.is_empty() && !is_read;
        (flips && unproven) || (corrupt && !process.request.verify_before_rename)
    }

    /// Another process has a file locked that the run needs.
    fn must_be_busy(&self, process: &Process) -> bool {
        let is_gone = |occupant| self.disk.is_dead(occupant);
        match process.plan.occupied {
            None => false,
            Some(_) if process.occupant.is_some_and(is_gone) => false,
            // A file that others may have open is not used, and the new one gets another name.
            Some(Occupied::Temp) => {
                let exposes = |damage: &Damage| matches!(damage, Damage::Exposed);
                !self.plan.runs.iter().any(|run| run.damage.iter().any(exposes))
            }
            Some(Occupied::Journal) => process.plan.request.checkpoint,
        }
    }

    fn check_statistics(&self, process: &Process, outcome: &Outcome) {
        let status = process.shared.status();
        if self.plan.sdk.is_some() || self.others_of_target(process) {
            // The bytes of its record are not counted before they are proven, and those of another run are not known.
            return;
        }
        let figures = &outcome.statistics;
        let watch = process.watch.borrow();
        let came = figures.bytes_from_network + figures.bytes_reused + watch.damaged;
        let net = i128::from(came) - i128::from(figures.bytes_discarded);
        // A new start discards recorded bytes too, which came from neither.
        let restarted = self.has_reason(process) || watch.damaged > 0;
        let most = i128::from(outcome.file_size);
        let least = if restarted { most - i128::from(watch.listed) } else { most };
        if !(least..=most).contains(&net)
            || status.bytes_done != outcome.file_size
            || status.bytes_total != Some(outcome.file_size)
            || status.contiguous_bytes != outcome.file_size
        {
            self.violated("statistics add up", || format!("{outcome:?} {status:?}"));
        }
    }

    /// Nothing is fetched twice that was stored and proven, unless there was a reason.
    fn check_economy(&self, process: &Process, outcome: &Outcome) {
        if self.has_reason(process) {
            return;
        }
        let figures = &outcome.statistics;
        let watch = process.watch.borrow();
        if figures.bytes_discarded > figures.requests * IN_VAIN + watch.damaged {
            self.violated("nothing is fetched twice", || format!("without a reason: {figures:?}"));
        }
        if figures.bytes_reused < watch.recorded {
            self.violated("nothing is fetched twice", || {
                format!("{} bytes were recorded and in the file: {figures:?}", watch.recorded)
            });
        }
    }

    /// Whether something happened that makes bytes useless.
    pub fn has_reason(&self, process: &Process) -> bool {
        let watch = process.watch.borrow();
        let wrong = watch.hits.iter().any(|fault| {
            matches!(fault, FaultKind::Shape(_) | FaultKind::Flip(_) | FaultKind::Refusal(_))
        });
        let service = &self.plan.service;
        wrong
            // Everything is fetched once more, in case that the bytes are wrong and not the digest.
            || process.plan.request.expects.is_some_and(|expects| !expects.right)
            || self.is_damaged()
            || self.has_changed(process)
            || process.request.is_processed()
            || self.plan.object.etag != EtagKind::Strong
            || service.ignores_ranges
            || service.refuses_etag
            || service.symlink
            // What an earlier run recorded may be of a wrong reply.
            || self.plan.faults.iter().any(|fault| matches!(fault.kind, FaultKind::Shape(_) | FaultKind::Flip(_)))
            || self.plan.runs.iter().any(|run| run.client.verify_crc != process.client.verify_crc)
            // Bytes of a growing object may be kept only by a run that proves them.
            || (self.plan.object.appendable
                && self.plan.runs.iter().any(|run| run.request.expects.is_some()))
    }

    /// The object has changed during the run or before, so that an earlier one may have recorded anything.
    fn has_changed(&self, _: &Process) -> bool {
        self.service.borrow().generations.len() > 1 || !self.plan.changes.is_empty()
    }

    /// The files are not only what the library has made them.
    fn is_damaged(&self) -> bool {
        let disk = &self.plan.disk;
        let lost = |run: &RunPlan| {
            run.power_fails
                || run.occupied.is_some()
                || !run.damage.is_empty()
                || !run.meanwhile.is_empty()
                || matches!(run.end, Some(End::PowerLoss(_)))
        };
        self.plan.sdk.is_some()
            || self.plan.runs.iter().any(lost)
            || !disk.failures.is_empty()
            || !disk.corrupt_writes.is_empty()
            || disk.capacity.is_some()
            || !disk.locks
            || !disk.trusted
    }

    /// Other runs use the same target at the same time.
    pub fn others_of_target(&self, process: &Process) -> bool {
        self.processes.borrow().iter().any(|other| {
            other.index != process.index
                && other.request.file_path == process.request.file_path
                && other.ended.get().is_none_or(|ended| ended >= process.started)
        })
    }

    fn check_error(&self, process: &Process, error: &Error) {
        if error.kind() == ErrorKind::Internal {
            return self.violated("no error is internal", || error.to_string());
        }
        if process.is_clean() {
            return self.violated("after the faults, a run succeeds", || error.to_string());
        }
        if !causes::explain(self, process, error) {
            self.violated("every error has a cause", || error.to_string());
        }
        self.check_stall(process, error);
    }
}

/// What a run wants of a generation: the content and its bytes.
pub fn wanted(
    request: &DownloadRequest,
    generation: &Generation,
) -> (Content, std::ops::Range<u64>) {
    let of_url = request.address().and_then(|address| address.parameter("x-oss-process"));
    let mut processed = request.extra_query.iter().map(|(_, value)| value).chain(&of_url);
    if processed.any(|value| value == "error") {
        return (ERROR_DOCUMENT.0, 0..ERROR_DOCUMENT.1.len() as u64);
    }
    if request.is_processed() {
        return (processed_content(generation), 0..processed_size(generation));
    }
    (generation.content, wanted_range(request, generation.size))
}

/// Whether these are the bytes, except for some whose bits were flipped.
fn is_nearly(bytes: &Bytes, content: Content, start: u64, end: u64) -> bool {
    let mut at = start;
    for piece in bytes.pieces() {
        let same = piece.content == content || piece.content == content.flipped();
        if !same || piece.start != at {
            return false;
        }
        at += piece.len;
    }
    at == end.max(start)
}
