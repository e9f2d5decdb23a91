//! The power is lost after every step of a recorded download, and a later run resumes.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use oss_resumable::Error;

use super::disk::{Files, Order};
use super::fixture::{Moment, PowerFixture, Recording, TARGET, Variant};
use crate::effort::{Chance, cases};

/// All ways to lose the power at one step are tried if there are no more …
const EVERY: (u32, u32) = (30, 200);
/// … otherwise this many random ones.
const SOME: (u32, u32) = (10, 40);
/// A recorded download and the checks of its power losses.
pub struct PowerLosses<'a> {
    fixture: &'a PowerFixture,
    recording: &'a Recording,
    /// The target before the download.
    old: Option<Vec<u8>>,
    /// The target that the download creates.
    new: Vec<u8>,
    /// Called while the power is off.
    meanwhile: fn(&PowerFixture),
    /// An additional check of the files after each power loss.
    holds: &'a dyn Fn(&Files),
    /// States from which a later run resumed.
    seen: HashSet<u64>,
}

impl<'a> PowerLosses<'a> {
    pub fn new(fixture: &'a PowerFixture, recording: &'a Recording) -> Self {
        PowerLosses {
            old: recording.before().get(TARGET).cloned(),
            new: fixture.wanted(),
            fixture,
            recording,
            meanwhile: |_| {},
            holds: &|_| {},
            seen: HashSet::new(),
        }
    }

    pub fn meanwhile(mut self, meanwhile: fn(&PowerFixture)) -> Self {
        self.meanwhile = meanwhile;
        self
    }

    pub fn holds(mut self, holds: &'a dyn Fn(&Files)) -> Self {
        self.holds = holds;
        self
    }

    /// Loses the power after every step, on both kinds of disk, until later runs have resumed from at least `least`
    /// different states of the disk. Returns their number.
    pub fn run(mut self, least: usize) -> usize {
        let mut chance = Chance::new();
        let orders = [Order::Journaled, Order::Any];
        let moments: Vec<_> = orders.into_iter().flat_map(|o| self.recording.moments(o)).collect();
        for moment in &moments {
            let limit = cases(EVERY.0, EVERY.1).into();
            let crashes = moment.disk.every_crash(limit).unwrap_or_else(|| {
                let some = 0..cases(SOME.0, SOME.1);
                some.map(|_| moment.disk.some_crash(&mut chance)).collect()
            });
            for crash in crashes {
                self.lose_power(moment, &moment.disk.after(&crash));
            }
        }
        for _ in 0..100 * least {
            if self.seen.len() >= least {
                break;
            }
            let moment = &moments[chance.below(moments.len() as u64) as usize];
            let crash = moment.disk.some_crash(&mut chance);
            self.lose_power(moment, &moment.disk.after(&crash));
        }
        assert!(self.seen.len() >= least, "only {} different states", self.seen.len());
        self.seen.len()
    }

    fn lose_power(&mut self, moment: &Moment, left: &Files) {
        self.check_target(moment, left);
        (self.holds)(left);
        let mut hasher = DefaultHasher::new();
        left.hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return;
        }
        self.fixture.put(left);
        (self.meanwhile)(self.fixture);
        match self.fixture.run() {
            Ok(_) => {
                let wanted = Files::from([(TARGET.to_owned(), self.fixture.wanted())]);
                let right = self.fixture.files() == wanted;
                assert!(right, "success for a wrong file {}", self.story(moment, left));
            }
            Err(error) => self.check_refusal(moment, left, &error),
        }
    }

    /// The target is the old file or the complete new one, and the new one once success was reported.
    fn check_target(&self, moment: &Moment, left: &Files) {
        if self.fixture.variant == Variant::Unflushed {
            return;
        }
        let target = left.get(TARGET);
        let new = target == Some(&self.new);
        let old = target == self.old.as_ref() && !moment.reported;
        assert!(new || old, "the target was lost {}", self.story(moment, left));
    }

    /// The only valid error is that the target is already complete and must not be replaced.
    fn check_refusal(&self, moment: &Moment, left: &Files, error: &Error) {
        let spared =
            self.fixture.variant == Variant::Sparing && error.code() == "FileAlreadyExists";
        let whole = spared && left.get(TARGET) == Some(&self.new);
        assert!(whole && self.fixture.files() == *left, "{error} {}", self.story(moment, left));
    }

    /// A description for a failed assertion.
    fn story(&self, moment: &Moment, left: &Files) -> String {
        let sizes: Vec<_> = left.iter().map(|(name, bytes)| (name, bytes.len())).collect();
        let Moment { order, calls, reported, .. } = moment;
        let made = &self.recording.events()[..*calls];
        format!("from {sizes:?}: {order:?}, reported: {reported}, after {made:#?}")
    }
}
