//! All requests in flight, their connections, and the link that they share.

use super::flight::{Connection, Flight};
use super::plan::PathPlan;

/// Bytes that a new connection sends before the first is acknowledged: ten packets.
const FIRST_WINDOW: f64 = 14_600.0;

/// All requests in flight.
#[derive(Default)]
pub struct Net {
    flights: Vec<Option<Box<Flight>>>,
    serial: u64,
    /// Requests and connections so far.
    pub requests: u64,
    connections: u64,
    /// Those whose bodies are coming, with the rates of their connections.
    flowing: Vec<(u64, f64)>,
    /// The rate that no connection may exceed, so that all together keep to the common one.
    level: Option<f64>,
}

impl Net {
    pub fn insert(&mut self, new: impl FnOnce(u64) -> Flight) -> u64 {
        self.serial += 1;
        let free = self.flights.iter().position(Option::is_none);
        let index = free.unwrap_or_else(|| {
            self.flights.push(None);
            self.flights.len() - 1
        });
        let id = self.serial << 16 | index as u64;
        self.flights[index] = Some(Box::new(new(id)));
        id
    }

    pub fn take(&mut self, id: u64) -> Option<Box<Flight>> {
        self.flights.get_mut((id & 0xFFFF) as usize)?.take_if(|flight| flight.id == id)
    }

    pub fn put_back(&mut self, flight: Box<Flight>) {
        let index = (flight.id & 0xFFFF) as usize;
        self.flights[index] = Some(flight);
    }

    pub fn flights(&self) -> impl Iterator<Item = &Flight> {
        self.flights.iter().filter_map(Option::as_deref)
    }

    pub fn flows(&mut self, id: u64, rate: f64) {
        match self.flowing.iter_mut().find(|(known, _)| *known == id) {
            Some((_, known)) if *known == rate => return,
            Some((_, known)) => *known = rate,
            None => self.flowing.push((id, rate)),
        }
        self.level = None;
    }

    pub fn no_longer_flows(&mut self, id: u64) {
        let before = self.flowing.len();
        self.flowing.retain(|(known, _)| *known != id);
        if self.flowing.len() != before {
            self.level = None;
        }
    }

    /// What all connections could bring if nothing but themselves limited them, in bytes per second.
    pub fn demand(&self) -> f64 {
        self.flowing.iter().map(|(_, rate)| rate).sum()
    }

    /// The most that a connection gets of a common rate that is divided fairly.
    pub fn level(&mut self, common: Option<u64>) -> f64 {
        let Some(common) = common else { return f64::INFINITY };
        if let Some(level) = self.level {
            return level;
        }
        let mut rates: Vec<f64> = self.flowing.iter().map(|(_, rate)| *rate).collect();
        rates.sort_by(f64::total_cmp);
        let (mut left, mut level) = (common as f64, f64::INFINITY);
        for (done, rate) in rates.iter().enumerate() {
            let share = left / (rates.len() - done) as f64;
            if *rate > share {
                level = share;
                break;
            }
            left -= rate;
        }
        self.level = Some(level);
        level
    }

    /// The process is gone, and its requests with it.
    pub fn vanish(&mut self, process: usize) {
        for index in 0..self.flights.len() {
            if let Some(flight) = self.flights[index].take_if(|flight| flight.process == process) {
                self.no_longer_flows(flight.id);
            }
        }
    }

    pub fn connection(&mut self, path: &PathPlan, clean: bool) -> Connection {
        let number = self.connections;
        self.connections += 1;
        let is_one = |every: u64| number % every.max(1) == every.max(1) - 1;
        let rate = match path.uneven {
            Some((every, part)) if is_one(every) => path.rate / part.max(1),
            _ => path.rate,
        };
        let dies = path.dying.filter(|(every, _)| is_one(*every) && !clean);
        let left = dies.map(|(_, bytes)| bytes);
        let window = path.slow_start.then_some(FIRST_WINDOW);
        Connection { rate: rate.max(1) as f64, left, window }
    }
}
