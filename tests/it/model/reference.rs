//! The allowed results of a run. Pure: it knows the plan and which faults were applied, but not how the library works.

use std::ops::Range;

use oss_resumable::{ErrorKind, Proof, Statistics};

use super::plan::*;

/// Attempts without a byte before a run fails; the library's documented default.
const ATTEMPTS: u64 = 3;
/// Bytes that a connection may receive in vain after the end of its span was cut off: one buffer.
const IN_VAIN: u64 = 512 * 1024;

/// The observed result of a run.
#[derive(Debug)]
pub struct Observed {
    pub ended: Ended,
    /// How often each of the run's faults was applied.
    pub hits: Vec<u64>,
    /// The object was replaced during the run.
    pub replaced: bool,
    pub target: Option<Vec<u8>>,
    /// The names of all other files.
    pub left: Vec<String>,
    pub statistics: Statistics,
    pub before: Recorded,
    pub after: Recorded,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    Done { proof: Proof, file_size: u64, object_size: u64, crcs_agree: bool },
    Failed { kind: ErrorKind, code: String, message: String },
    Killed,
}

/// The checkpoint's record of the current object.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recorded {
    /// Bytes of this generation.
    pub bytes: u64,
    /// After damage: bytes whose record and whose data on the disk are intact. Nothing else may be reused.
    pub sound: Option<u64>,
}

/// The result of a run without faults.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    Bytes(Range<u64>),
    /// With this code; the service's also has a status.
    Refused(ErrorKind, &'static str, u16),
}

/// The state that the reference knows.
pub struct World<'p> {
    plan: &'p Plan,
    /// Sizes of all objects so far.
    sizes: Vec<u64>,
    /// The current one.
    pub now: Option<usize>,
    pub target: Option<Vec<u8>>,
    /// Bytes that were sent wrong and may be in the temporary file.
    flipped: Vec<u64>,
    /// A reply of an earlier run had a wrong generation, which may have been recorded.
    wrong_generation_recorded: bool,
    /// A reply had no checksum.
    lacks_crc: bool,
    /// The journal may record bytes that were damaged on the disk later.
    damaged: bool,
}

/// The effects of a run's faults.
#[derive(Debug, Default)]
struct Sum {
    /// Requests that had to be repeated.
    repeated: u64,
    /// Times the object seemed to be another one.
    changed: u64,
    /// Wrong bytes, or a wrong checksum.
    wrong: u64,
    /// The object may have been fetched in one stream.
    streams: bool,
    silent: bool,
}

impl<'p> World<'p> {
    pub fn new(plan: &'p Plan) -> Self {
        World {
            plan,
            sizes: vec![plan.object.size],
            now: Some(0),
            target: plan.old_target.then(|| b"the old file".to_vec()),
            flipped: Vec::new(),
            wrong_generation_recorded: false,
            lacks_crc: !plan.object.sends_crc,
            damaged: false,
        }
    }

    /// Number and size of the object that replaces the current one.
    pub fn next(&self, replacement: Replacement) -> Option<(usize, u64)> {
        let number = self.sizes.len();
        match replacement {
            Replacement::Deleted => None,
            Replacement::SameSize => Some((number, self.sizes[number - 1])),
            Replacement::Size(size) => Some((number, size)),
        }
    }

    /// Replaces the object.
    pub fn replace(&mut self, replacement: Replacement) -> Option<(usize, u64)> {
        let next = self.next(replacement);
        self.sizes.extend(next.map(|(_, size)| size));
        self.now = next.map(|(number, _)| number);
        next
    }

    /// Checks the observations of `run`, at whose start the object was `first`.
    pub fn check_run(
        &mut self,
        run: &RunPlan,
        first: Option<usize>,
        seen: &Observed,
    ) -> Result<(), String> {
        let sum = self.sum(run, seen);
        self.note_hits(run, seen);
        let mut objects = vec![first];
        if seen.replaced {
            objects.push(self.now);
        }
        match &seen.ended {
            Ended::Done { .. } => self.judge_success(&objects, seen)?,
            Ended::Failed { kind, code, message } => {
                self.judge_failure(run, &objects, &sum, seen, (*kind, code))
                    .map_err(|why| format!("{why}: {kind:?} {code} ({message})"))?;
            }
            Ended::Killed => self.judge_kill(&objects, seen)?,
        }
        self.damaged |= seen.before.sound.is_some();
        self.judge_economy(first, &sum, seen)?;
        if matches!(seen.ended, Ended::Done { .. }) {
            self.damaged = false;
            self.flipped.clear();
            self.wrong_generation_recorded = false;
        }
        self.target = seen.target.clone();
        Ok(())
    }

    fn sum(&self, run: &RunPlan, seen: &Observed) -> Sum {
        let mut sum = Sum { streams: !self.plan.object.sends_etag, ..Sum::default() };
        for (planned_fault, &hits) in
            run.faults.iter().zip(&seen.hits).filter(|(_, hits)| **hits > 0)
        {
            sum.streams |= planned_fault.flaw.forces_a_stream();
            sum.silent |= planned_fault.flaw.is_silent();
            match planned_fault.flaw.effect() {
                Effect::Harmless => {}
                Effect::Transport | Effect::Service | Effect::Reply => sum.repeated += hits,
                Effect::Generation => {
                    sum.changed += hits;
                    sum.wrong += if planned_fault.flaw == Flaw::WrongCrc { hits } else { 0 };
                }
                Effect::Content => sum.wrong += hits,
                // 412 and 416 may mean that the object is another one.
                Effect::Final => sum.changed += hits,
            }
        }
        sum.changed += u64::from(seen.replaced);
        sum.wrong += u64::from(
            !self.flipped.is_empty() || self.wrong_generation_recorded || self.sdk_is_wrong(),
        );
        sum
    }

    fn note_hits(&mut self, run: &RunPlan, seen: &Observed) {
        for (planned_fault, _) in run.faults.iter().zip(&seen.hits).filter(|(_, hits)| **hits > 0) {
            match planned_fault.flaw {
                Flaw::FlipByte(at) => self.flipped.push(at),
                Flaw::NoCrc => self.lacks_crc = true,
                flaw => self.wrong_generation_recorded |= flaw.effect() == Effect::Generation,
            }
        }
    }

    /// The SDK's parts are not those of the current object.
    fn sdk_is_wrong(&self) -> bool {
        self.plan.sdk.is_some_and(|sdk| sdk.stale || self.now != Some(0))
    }

    /// The result of a run that finds this object.
    fn expected(&self, object: Option<usize>) -> Expected {
        let request = &self.plan.request;
        let (start, end) = request.range.unwrap_or((0, -1));
        let refused = |code, status| Expected::Refused(ErrorKind::Service, code, status);
        if start < 0 || end < -1 || (end >= 0 && end < start) {
            return Expected::Refused(ErrorKind::Validation, "ValidateError", 0);
        }
        if !request.replaces && self.target.is_some() {
            return Expected::Refused(ErrorKind::Io, "FileAlreadyExists", 0);
        }
        let Some(object) = object else { return refused("NoSuchKey", 404) };
        match request.condition {
            Condition::IfAnother => return refused("PreconditionFailed", 412),
            Condition::IfFirst if object != 0 => return refused("PreconditionFailed", 412),
            Condition::IfNotFirst if object == 0 => return refused("ServerError:304", 304),
            _ => {}
        }
        let size = self.sizes[object];
        let first = start as u64;
        let past = if end < 0 { size } else { size.min(end as u64 + 1) };
        let all_of_nothing = first == 0 && end < 0;
        if first < past || (first == past && all_of_nothing) {
            Expected::Bytes(first..past)
        } else {
            refused("InvalidRange", 416)
        }
    }

    fn bytes(&self, object: usize, range: &Range<u64>) -> Vec<u8> {
        let bytes = content(&self.plan.object, object, self.sizes[object]);
        bytes[range.start as usize..range.end as usize].to_vec()
    }

    /// The objects of which `found` is the requested range: more than one only if all bytes are zeros.
    fn recognize(&self, objects: &[Option<usize>], found: &[u8], strict: bool) -> Vec<usize> {
        let is_of = |object: &usize| match self.expected(Some(*object)) {
            Expected::Bytes(range) => {
                let wanted = self.bytes(*object, &range);
                found == wanted || (!strict && self.differs_where_flipped(found, &wanted, &range))
            }
            Expected::Refused(..) => false,
        };
        objects.iter().flatten().copied().filter(is_of).collect()
    }

    fn differs_where_flipped(&self, found: &[u8], wanted: &[u8], range: &Range<u64>) -> bool {
        let explained = |at: usize| self.flipped.contains(&(range.start + at as u64));
        found.len() == wanted.len()
            && (0..found.len()).all(|at| found[at] == wanted[at] || explained(at))
    }

    /// The range covers a whole object whose checksum the service sent.
    fn is_vouched(&self, object: usize) -> bool {
        let whole = self.expected(Some(object)) == Expected::Bytes(0..self.sizes[object]);
        whole && self.plan.request.verify_crc && !self.lacks_crc
    }

    fn judge_success(&self, objects: &[Option<usize>], seen: &Observed) -> Result<(), String> {
        let Ended::Done { proof, file_size, object_size, crcs_agree } = seen.ended else {
            return Ok(());
        };
        let found = seen.target.as_deref().ok_or("success, and no file")?;
        let strict = proof == Proof::ObjectCrc;
        let matches = self.recognize(objects, found, strict);
        if matches.is_empty() {
            return Err(format!("success, and a wrong file of {} bytes", found.len()));
        }
        let Some(object) = matches.into_iter().find(|object| self.sizes[*object] == object_size)
        else {
            return Err(format!("an object of {object_size} bytes, it says"));
        };
        if self.is_vouched(object) && (!strict || !crcs_agree) {
            return Err(format!("the proof is {proof:?}, the checksums agree: {crcs_agree}"));
        }
        if file_size != found.len() as u64 {
            return Err(format!("a file of {file_size} bytes, it says"));
        }
        if !seen.left.is_empty() {
            return Err(format!("left behind after success: {:?}", seen.left));
        }
        Ok(())
    }

    fn judge_kill(&self, objects: &[Option<usize>], seen: &Observed) -> Result<(), String> {
        if seen.target == self.target {
            return Ok(());
        }
        let found = seen.target.as_deref().ok_or("the old file is gone")?;
        let strict = objects.iter().flatten().all(|&object| self.is_vouched(object));
        if self.recognize(objects, found, strict).is_empty() {
            return Err("the killed run put a wrong file in place".to_owned());
        }
        Ok(())
    }

    fn judge_failure(
        &self,
        run: &RunPlan,
        objects: &[Option<usize>],
        sum: &Sum,
        seen: &Observed,
        error: (ErrorKind, &str),
    ) -> Result<(), String> {
        if seen.target != self.target {
            return Err("an error, and the target was touched".to_owned());
        }
        if self.plan.request.checkpoint == CheckpointPlan::Off && seen.before.sound.is_none() {
            let left = seen.left.iter().filter(|name| !name.ends_with(".temp"));
            let made = left.count()
                + usize::from(seen.statistics.bytes_from_network > 0)
                    * seen.left.iter().filter(|name| name.ends_with(".temp")).count();
            if made > 0 {
                return Err(format!("left behind without a checkpoint: {:?}", seen.left));
            }
        }
        if error.0 == ErrorKind::Cancelled {
            return match run.ending {
                Ending::CancelAfter(_) | Ending::SnapshotAfter { .. } => Ok(()),
                _ => Err("nobody cancelled".to_owned()),
            };
        }
        let expected = objects.iter().map(|&object| self.expected(object));
        let is_expected = expected.into_iter().any(|expected| match expected {
            Expected::Refused(kind, code, status) => {
                kind == error.0 && is_code(error.1, code, status, sum)
            }
            Expected::Bytes(_) => false,
        });
        if is_expected {
            return Ok(());
        }
        self.excuse(run, sum, seen, error)
    }

    /// Whether the faults of the run explain the error.
    fn excuse(
        &self,
        run: &RunPlan,
        sum: &Sum,
        seen: &Observed,
        (kind, code): (ErrorKind, &str),
    ) -> Result<(), String> {
        let fault_applied = |is: &dyn Fn(Flaw) -> bool| {
            run.faults
                .iter()
                .zip(&seen.hits)
                .any(|(planned_fault, hits)| *hits > 0 && is(planned_fault.flaw))
        };
        let of = |effect: Effect| fault_applied(&|flaw| flaw.effect() == effect);
        let given_up = if sum.streams {
            // A stream that broke starts over, as the download of a replaced object does.
            sum.repeated + 2 * sum.changed >= ATTEMPTS
        } else {
            sum.repeated >= ATTEMPTS
        };
        let got_nothing = sum.streams || seen.statistics.bytes_from_network == 0;
        let excused = match (kind, code) {
            (ErrorKind::Transport, "ClientError:200028") if sum.silent => true,
            (ErrorKind::Transport, _) => of(Effect::Transport) && given_up && got_nothing,
            (ErrorKind::Integrity, "InvalidReply") => {
                let twice = sum.repeated >= 2 && fault_applied(&|flaw| flaw.is_by_design());
                // What a body has too much may be read as the next reply of the connection.
                let is_read_as_reply = |flaw| matches!(flaw, Flaw::LongBody(_));
                (of(Effect::Reply) || fault_applied(&is_read_as_reply)) && (given_up || twice)
            }
            (ErrorKind::Integrity, "CrcCheckError") => {
                // A reply without the checksum does not correct a wrong one.
                let uncorrected = sum.wrong == 1 && fault_applied(&|flaw| flaw == Flaw::NoCrc);
                sum.wrong >= 2 || uncorrected
            }
            (ErrorKind::ObjectChanged, _) => {
                sum.changed >= 2 || (sum.streams && sum.changed + sum.repeated >= 2)
            }
            // A wrong ETag that is sent twice counts as one that the service does not recognise.
            (ErrorKind::Service, "PreconditionFailed") if sum.changed >= 2 => {
                fault_applied(&|flaw| flaw == Flaw::WrongEtag)
            }
            (ErrorKind::Service, _) => {
                let says_so = |flaw| match flaw {
                    Flaw::Busy(status) => is_code(code, "Busy", status, sum),
                    Flaw::Refused(status) => is_code(code, "Refused", status, sum),
                    Flaw::ProxyPage(status) => is_code(code, "", status, sum),
                    _ => false,
                };
                let by = |effect| fault_applied(&|flaw| flaw.effect() == effect && says_so(flaw));
                by(Effect::Final) || (by(Effect::Service) && given_up && got_nothing)
            }
            _ => false,
        };
        if excused { Ok(()) } else { Err(format!("an error that nothing explains; {sum:?}")) }
    }

    /// Checks that recorded bytes on the disk are used, that nothing else is, and that no byte arrives twice.
    fn judge_economy(
        &self,
        first: Option<usize>,
        sum: &Sum,
        seen: &Observed,
    ) -> Result<(), String> {
        let figures = &seen.statistics;
        if let Some(sound) = seen.before.sound.filter(|_| self.plan.sdk.is_none())
            && figures.bytes_reused > sound
        {
            return Err(format!("{} bytes reused, {sound} are sound", figures.bytes_reused));
        }
        let quiet =
            sum.changed == 0 && sum.wrong == 0 && !sum.streams && !self.wrong_generation_recorded;
        let Some(object) = first.filter(|_| quiet && self.plan.sdk.is_none()) else {
            return Ok(());
        };
        let Expected::Bytes(range) = self.expected(Some(object)) else { return Ok(()) };
        // Damaged bytes are discarded too.
        let came = figures.bytes_from_network.saturating_sub(figures.bytes_discarded);
        let whole = range.end - range.start;
        let undamaged = !self.damaged;
        match &seen.ended {
            Ended::Done { .. } if undamaged => {
                let held = seen.before.bytes;
                if (figures.bytes_reused, came) != (held, whole - held) {
                    return Err(format!("{held} bytes were held; {figures:?}"));
                }
                if figures.bytes_discarded > figures.requests * IN_VAIN {
                    return Err(format!("too many bytes in vain; {figures:?}"));
                }
            }
            Ended::Failed { .. }
                if undamaged && self.plan.request.checkpoint != CheckpointPlan::Off =>
            {
                let held = seen.before.bytes + came;
                if seen.after.bytes != held {
                    let recorded = seen.after.bytes;
                    return Err(format!("{recorded} bytes recorded, not {held}; {figures:?}"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether `seen` is the code of a refusal. If the reply broke, its document may be lost and only its status known.
fn is_code(seen: &str, code: &str, status: u16, sum: &Sum) -> bool {
    seen == code || (sum.repeated > 0 && seen == format!("ServerError:{status}"))
}
