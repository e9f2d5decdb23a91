//! What connections bring, and what a step from one number of connections to another shows.

use std::time::{Duration, Instant};

/// A step that brings this part of what it would bring on a path without a limit is followed by the next one.
const SCALES: f64 = 0.75;
/// Connections that were there before must lose this part of what they would lose on a path that was full before the
/// path counts as full …
const CROWDED: f64 = 0.2;
/// … and the number that fills it has so much room for errors of measurement.
const ROOM: f64 = 1.02;
/// A step is worth it if each new connection adds this part of the goodput …
const WORTH_EACH: f64 = 0.05;
/// … or, when there are many, if they add this part of what they would on a path without a limit.
const WORTH_MANY: f64 = 0.5;
/// What a connection has brought since the start of the download, and how long its requests have brought bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Meter {
    pub bytes: u64,
    pub flowing: Duration,
}

/// A number of connections and its goodput, in bytes per second.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) number: u32,
    pub(super) goodput: f64,
    /// The slots that were in use.
    pub(super) members: Vec<bool>,
}

/// A time in which connections are measured.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) since: Instant,
    pub(super) from: Vec<Meter>,
}

/// What a step with more connections has shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    /// It brought about as much as on a path without a limit.
    pub(super) scales: bool,
    pub(super) is_worth_it: bool,
    /// It brought as much as one connection must.
    pub(super) adds: bool,
    /// The connections that were there before have become slower.
    pub(super) is_crowded: bool,
    /// The number of connections that reaches the goodput if each is as fast as before the step.
    pub(super) fills: u32,
    /// The rate of a new connection.
    pub(super) each_new: f64,
}

impl Verdict {
    pub(super) fn of(base: &Point, here: &Point, rates: &[Option<f64>]) -> Self {
        let (before, after) = (f64::from(base.number), f64::from(here.number));
        let gain = here.goodput / base.goodput.max(1.0) - 1.0;
        let proportional = after / before - 1.0;
        let each_before = (base.goodput / before).max(1.0);
        let is_member = |slot: usize| base.members.get(slot).copied().unwrap_or(false);
        let (old, new) = (mean(rates, is_member), mean(rates, |slot| !is_member(slot)));
        let lost = old.map_or(0.0, |old| 1.0 - old / each_before);
        // A connection that has just become fast says nothing about how much more there is.
        let alike = old.zip(new).is_some_and(|(old, new)| new >= SCALES * old);
        Verdict {
            scales: alike && gain >= SCALES * proportional,
            is_worth_it: gain >= (WORTH_EACH * (after - before)).min(WORTH_MANY * proportional),
            adds: gain >= WORTH_EACH,
            is_crowded: lost >= CROWDED * (1.0 - before / after),
            each_new: new.unwrap_or(0.0),
            fills: (here.goodput / each_before * ROOM - 0.4).ceil().max(1.0) as u32,
        }
    }
}

/// The mean of the known rates of some slots.
fn mean(rates: &[Option<f64>], of: impl Fn(usize) -> bool) -> Option<f64> {
    let known = rates.iter().enumerate().filter(|(slot, _)| of(*slot));
    let known: Vec<f64> = known.filter_map(|(_, rate)| *rate).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// The rates of all slots that brought bytes for a good part of the window.
pub(super) fn rates(window: &Window, meters: &[Meter], now: Instant) -> Vec<Option<f64>> {
    let enough = now.duration_since(window.since) / 3;
    let rate = |(index, meter): (usize, &Meter)| {
        let from = window.from.get(index).copied().unwrap_or_default();
        let flowing = meter.flowing.saturating_sub(from.flowing);
        let bytes = meter.bytes.saturating_sub(from.bytes);
        (flowing >= enough && !flowing.is_zero()).then(|| bytes as f64 / flowing.as_secs_f64())
    };
    meters.iter().enumerate().map(rate).collect()
}

/// `number` connections with the mean of these rates.
pub(super) fn point(rates: &[Option<f64>], number: u32) -> Point {
    let each = mean(rates, |_| true).unwrap_or(0.0);
    let members = rates.iter().map(Option::is_some).collect();
    Point { number, goodput: each * f64::from(number), members }
}

/// What all connections brought in a second of the window, also if some of them were between two requests.
pub(super) fn total(window: &Window, meters: &[Meter], now: Instant) -> f64 {
    let bytes = |of: &[Meter]| of.iter().map(|meter| meter.bytes).sum::<u64>();
    let came = bytes(meters).saturating_sub(bytes(&window.from));
    came as f64 / now.duration_since(window.since).as_secs_f64().max(1e-3)
}
