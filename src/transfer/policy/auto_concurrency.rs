//! Finds the number of connections with which a download is fastest. Pure: the caller passes times and bytes.
//!
//! The number grows by half, and the goodput with more connections is compared with that before. Connections that were
//! there before tell why a step brought little: if they have become slower, the path is full, and the number that
//! fills it follows from both measurements; if not, only the new connections are slow. Success is believed at once;
//! before failure is, the new connections get time to become fast.

mod measurement;

use std::time::{Duration, Instant};

pub use measurement::Meter;
use measurement::{Point, Verdict, Window, point, rates, total};

/// Shortest measurement; those of a few connections are up to twice as long.
const WINDOW: Duration = Duration::from_millis(150);
/// A measurement of a settled number, which shows whether the path has changed, and of another one that is tried then.
const WATCH_WINDOW: Duration = Duration::from_secs(1);
/// New connections that still become faster by this factor from one measurement to the next are measured again …
const STILL_RISING: f64 = 1.1;
/// … for at most so many times the time to the first byte, and this time.
const RISES_FOR: (u32, Duration) = (4, Duration::from_secs(2));
/// Interval of the caller's looks while the number is being found.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// Fewer connections are kept if so much of the goodput remains.
const AS_FAST: f64 = 0.97;
/// The goodput of the settled number has changed if it differs by this factor, twice in a row.
const CHANGED: f64 = 0.8;
/// Steps to new connections that are all slow, on a path that is not full.
const MAX_DUDS: u32 = 2;
/// Time to the first byte from which a step by half takes too long. Then, below a goodput that most paths have (bytes
/// per second), the number grows faster, at most by this factor.
const LONG_STEP: Duration = Duration::from_millis(100);
const USUAL_GOODPUT: f64 = 64e6;
const FASTEST_GROWTH: u32 = 8;
/// More connections are tried after this time without a change; each try in vain doubles it, up to the second.
const TRY_AFTER: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(80));
/// A number of connections at which the service throttled is not exceeded for this time; the next time for twice as
/// long.
const THROTTLED_FOR: Duration = Duration::from_secs(30);
/// No connection is added for this long after a reply that the service delayed.
const SLOWED_FOR: Duration = Duration::from_secs(5);
/// New connections that bring nothing for so many times the time to the first byte, and this time, are not waited for.
const FILLS_FOR: (u32, Duration) = (4, Duration::from_secs(1));
/// While the number is being found, a request is not longer than this at its expected rate, so that new connections
/// find bytes that no other connection has asked for.
const LONGEST_REQUEST: f64 = 10.0;

/// The state of the download at one time.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// One for each slot.
    pub meters: &'a [Meter],
    /// Connections that bring bytes now.
    pub flowing: u32,
    /// How many connections client and service allow.
    pub usable: u32,
    /// Shortest time from a request to its first byte.
    pub first_byte: Duration,
    /// A connection is idle because nothing is left for it.
    pub ends: bool,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Waits until the connections bring bytes.
    Filling {
        since: Instant,
    },
    Measuring {
        began: Instant,
        window: Window,
        before: Option<f64>,
    },
    Settled {
        try_at: Instant,
        window: Option<Window>,
        unusual: u32,
    },
}

/// The number of connections of one download.
#[derive(Clone, Debug)]
pub struct AutoConcurrency {
    most: u32,
    number: u32,
    stage: Stage,
    /// The goodput has become less. If more connections do not help, perhaps fewer are enough.
    narrows: bool,
    /// The settled number was calculated, and whether it is enough has not been seen yet.
    unverified: bool,
    /// The number before the present step, which is kept if the step brings nothing.
    before: Option<Point>,
    /// The first search has not ended yet.
    climbs: bool,
    /// The last tries, for more connections, that were worth it, in a row.
    successes: u32,
    duds: u32,
    try_after: Duration,
    /// Goodput with the settled number.
    expected: Option<f64>,
    /// Goodput of one connection, as measured last.
    each: Option<f64>,
    /// Not exceeded until then.
    ceiling: Option<(u32, Instant)>,
    throttled_for: Duration,
    slowed_until: Option<Instant>,
}

impl AutoConcurrency {
    /// Starts at `now` with one connection; there are never more than `most`.
    pub fn new(most: u32, now: Instant) -> Self {
        AutoConcurrency {
            most: most.max(1),
            number: 1,
            stage: Stage::Filling { since: now },
            narrows: false,
            unverified: false,
            before: None,
            climbs: true,
            successes: 0,
            duds: 0,
            try_after: TRY_AFTER.0,
            expected: None,
            each: None,
            ceiling: None,
            throttled_for: THROTTLED_FOR,
            slowed_until: None,
        }
    }

    /// How many connections the download should use.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// When the caller should look again, if nothing else happens before.
    pub fn next_look(&self, now: Instant) -> Option<Instant> {
        (!self.is_settled()).then_some(now + LOOK_EVERY)
    }

    /// The most bytes that a request should ask for on a connection that brought `rate` bytes per second, 0 if that is
    /// not known, and at least `least`; `None`: any number.
    pub fn longest_request(&self, rate: f64, least: u64) -> Option<u64> {
        if self.is_settled() {
            return None;
        }
        Some(((self.each.unwrap_or(0.0).max(rate) * LONGEST_REQUEST) as u64).max(least))
    }

    fn is_settled(&self) -> bool {
        matches!(self.stage, Stage::Settled { .. })
    }

    /// Takes the state of the download. To be called when something has happened, and at [`Self::next_look`].
    pub fn observe(&mut self, sample: &Sample<'_>, now: Instant) {
        if sample.ends {
            self.measure_anew(now);
            return;
        }
        let target = self.number.min(sample.usable);
        match &mut self.stage {
            Stage::Filling { since } => {
                let waits_for_client = sample.usable < self.number
                    && self.before.as_ref().is_some_and(|before| target <= before.number);
                if waits_for_client {
                    *since = now;
                    return;
                }
                let patience = FILLS_FOR.1 + sample.first_byte * FILLS_FOR.0;
                if sample.flowing >= target.max(1) || now.duration_since(*since) >= patience {
                    let window = Window { since: now, from: sample.meters.to_vec() };
                    self.stage = Stage::Measuring { began: now, window, before: None };
                }
            }
            Stage::Measuring { window, before, .. } => {
                // The bytes of a few connections come less evenly.
                let uneven = WINDOW / target.max(1);
                let long = match &self.before {
                    Some(_) if !self.climbs => WATCH_WINDOW,
                    _ if before.is_some() => WINDOW + uneven.saturating_mul(2).min(WINDOW),
                    // A second one follows in any case.
                    None => WINDOW,
                    _ => WINDOW + uneven,
                };
                if now.duration_since(window.since) >= long {
                    self.measured(sample, now);
                }
            }
            Stage::Settled { .. } => self.watch(sample, now),
        }
    }

    /// The service refused a request because of traffic; `accepted` requests bring bytes.
    pub fn throttled(&mut self, accepted: u32, now: Instant) {
        // If none does, it is not because of the others that this one was refused.
        let is_known = self.ceiling.is_some_and(|(_, until)| now < until);
        if accepted == 0 || is_known {
            return;
        }
        self.ceiling = Some((accepted, now + self.throttled_for));
        self.throttled_for = self.throttled_for.saturating_mul(2);
        if accepted < self.number || !self.is_settled() {
            self.settle(self.number.min(accepted), None, now);
        }
    }

    /// The service reported that it delays this traffic.
    pub fn slowed(&mut self, now: Instant) {
        self.slowed_until = Some(now + SLOWED_FOR);
    }

    /// What was measured so far does not count: the download was paused.
    pub fn measure_anew(&mut self, now: Instant) {
        match &mut self.stage {
            Stage::Filling { since } => *since = now,
            Stage::Measuring { .. } => self.stage = Stage::Filling { since: now },
            Stage::Settled { window, .. } => *window = None,
        }
    }

    /// A window of a number that is not settled has ended.
    fn measured(&mut self, sample: &Sample<'_>, now: Instant) {
        let Stage::Measuring { began, window, before } = &mut self.stage else { return };
        let rates = rates(window, sample.meters, now);
        let known = u32::try_from(rates.iter().flatten().count()).unwrap_or(u32::MAX);
        let number = known.clamp(1, self.number);
        let mut here = point(&rates, number);
        if !self.climbs {
            here.goodput = total(window, sample.meters, now);
        }
        if here.goodput == 0.0 {
            return self.measure_anew(now);
        }
        let verdict = self.before.as_ref().map(|base| Verdict::of(base, &here, &rates));
        let each_new = verdict.map_or(here.goodput, |verdict| verdict.each_new);
        let rises = before.is_none_or(|before| each_new > before * STILL_RISING);
        let in_time = now.duration_since(*began) < RISES_FOR.1 + sample.first_byte * RISES_FOR.0;
        let is_less = self.before.as_ref().is_some_and(|base| number <= base.number);
        if !is_less && !verdict.is_some_and(|verdict| verdict.scales) && rises && in_time {
            *before = Some(each_new);
            *window = Window { since: now, from: sample.meters.to_vec() };
            return;
        }
        match verdict {
            Some(verdict) => self.judge(verdict, here, sample, now),
            None => self.go_on(here, sample, now),
        }
    }

    /// Decides about a step that has been measured.
    fn judge(&mut self, verdict: Verdict, here: Point, sample: &Sample<'_>, now: Instant) {
        let Some(base) = self.before.take() else { return };
        let number = here.number;
        if number < base.number || self.number < base.number {
            return self.judge_fewer(base, here, now);
        }
        let is_full = verdict.is_crowded && verdict.fills < number;
        let may_be_a_dud = self.climbs && self.duds < MAX_DUDS && !self.is_slowed(now);
        if number > base.number && (verdict.scales || (verdict.is_worth_it && !is_full)) {
            self.duds = 0;
            self.successes += 1;
            return self.go_on(here, sample, now);
        }
        if number > base.number && !is_full && may_be_a_dud {
            self.duds += 1;
            return self.go_on(here, sample, now);
        }
        if !self.climbs {
            // It will be a while before the next try.
            self.try_after = (self.try_after * 2).min(TRY_AFTER.1);
        }
        if is_full && (verdict.adds || verdict.fills < base.number) {
            self.settle(verdict.fills, Some(here.goodput), now);
            self.unverified = true;
        } else if self.narrows && base.number > 1 {
            self.step_down(base, now);
        } else {
            self.settle(base.number, Some(base.goodput), now);
        }
    }

    /// Decides about fewer connections than before.
    fn judge_fewer(&mut self, base: Point, here: Point, now: Instant) {
        if here.goodput < base.goodput * AS_FAST {
            return self.settle(base.number, Some(base.goodput), now);
        }
        if here.number == 1 {
            return self.settle(1, Some(here.goodput), now);
        }
        self.step_down(here, now);
    }

    /// The present number is good: tries more connections, or settles.
    fn go_on(&mut self, here: Point, sample: &Sample<'_>, now: Instant) {
        let number = here.number;
        self.each = Some(here.goodput / f64::from(number));
        let next =
            if self.climbs { self.climb(&here, sample.first_byte) } else { self.more(number) };
        let next = next.min(self.limit(now));
        if next > number && !self.is_slowed(now) {
            self.step(here, next, now);
        } else {
            self.settle(number, Some(here.goodput), now);
        }
    }

    fn step(&mut self, from: Point, to: u32, now: Instant) {
        self.before = Some(from);
        self.number = to;
        self.stage = Stage::Filling { since: now };
    }

    fn settle(&mut self, number: u32, expected: Option<f64>, now: Instant) {
        (self.number, self.before, self.climbs) = (number, None, false);
        (self.duds, self.successes, self.unverified) = (0, 0, false);
        self.expected = expected;
        self.stage = Stage::Settled { try_at: now + self.try_after, window: None, unusual: 0 };
    }

    fn try_at(&mut self, at: Instant) {
        if let Stage::Settled { try_at, .. } = &mut self.stage {
            *try_at = at;
        }
    }

    /// Measures the settled number, and tries another one if it is time for that.
    fn watch(&mut self, sample: &Sample<'_>, now: Instant) {
        let Stage::Settled { try_at, window, unusual } = &mut self.stage else { return };
        if sample.usable < self.number || sample.flowing < self.number {
            *window = None;
            return;
        }
        let begun =
            window.get_or_insert_with(|| Window { since: now, from: sample.meters.to_vec() });
        if now.duration_since(begun.since) < WATCH_WINDOW {
            return;
        }
        let mut here = point(&rates(begun, sample.meters, now), self.number);
        here.goodput = total(begun, sample.meters, now);
        *window = None;
        let goodput = here.goodput;
        let falls_short = std::mem::take(&mut self.unverified)
            && self.expected.is_some_and(|expected| goodput < expected * AS_FAST);
        let is_due = now >= *try_at || falls_short;
        self.each = Some(goodput / f64::from(self.number));
        let expected = *self.expected.get_or_insert(goodput);
        let (is_less, is_more) = (goodput < expected * CHANGED, goodput * CHANGED > expected);
        *unusual = if is_less || is_more { *unusual + 1 } else { 0 };
        let has_changed = *unusual >= 2;
        if !has_changed && *unusual == 0 {
            self.expected = Some(expected * 0.95 + goodput * 0.05);
        }
        if has_changed {
            self.try_after = TRY_AFTER.0;
            self.expected = None;
        } else if !is_due {
            return;
        }
        let number = self.more(self.number).min(self.limit(now));
        self.narrows = has_changed && is_less;
        if number > self.number && !self.is_slowed(now) {
            self.step(here, number, now);
        } else if self.narrows && self.number > 1 {
            self.step_down(here, now);
        } else {
            let wait = self.try_after;
            self.try_at(now + wait);
        }
    }

    /// Tries fewer connections.
    fn step_down(&mut self, from: Point, now: Instant) {
        self.narrows = false;
        let number = fewer(from.number);
        self.step(from, number, now);
    }

    /// The next number while the first search goes on.
    fn climb(&self, here: &Point, first_byte: Duration) -> u32 {
        let grown = here.number + (here.number / 2).max(1);
        if first_byte < LONG_STEP || here.goodput >= USUAL_GOODPUT {
            return grown;
        }
        let factor = (USUAL_GOODPUT / here.goodput.max(1.0)).min(f64::from(FASTEST_GROWTH));
        grown.max((f64::from(here.number) * factor) as u32)
    }

    /// A few more connections than a settled number; more of them when some were worth it.
    fn more(&self, number: u32) -> u32 {
        let part = match self.successes {
            0 | 1 => 8,
            2 => 4,
            _ => 2,
        };
        number + (number / part).max(1)
    }

    fn limit(&self, now: Instant) -> u32 {
        match self.ceiling {
            Some((ceiling, until)) if now < until => self.most.min(ceiling),
            _ => self.most,
        }
    }

    fn is_slowed(&self, now: Instant) -> bool {
        self.slowed_until.is_some_and(|until| now < until)
    }
}

/// A few connections fewer, at least one.
fn fewer(number: u32) -> u32 {
    number - (number / 4).max(1).min(number - 1)
}

#[cfg(test)]
mod tests;
