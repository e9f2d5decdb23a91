//! The network side of a simulated process: connections to the service, and the requests on them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::encryption::{ContentKey, WrappedKey};
use crate::model::error::{Error, Result};
use crate::model::source_url::SharedUrlProvider;
use crate::oss::decryption_keys::DecryptionKeys;
use crate::transfer::bandwidth::RateLimiter;
use crate::transfer::connection_budget::Allowance;
use crate::transfer::credentials_cache::CachedKey;
use crate::transfer::event::{EndReason, Event};
use crate::transfer::host_calls::{Answers, Asked as HostAsked};
use crate::transfer::world::{Destination, Network, NewRequest};

use super::credentials::Issued;
use super::flight::{Flight, Next};
use super::intake::Intake;
use super::plan::{FaultKind, OutageKind, PathPlan, Processed};
use super::process::Inside;
use super::random::mix;
use super::service::{Asked, Service};
use super::universe::{Happening, Universe};
use super::url;

/// Up to this number of connections each writes a megabyte at a time, and otherwise half of it.
const FEW_CONNECTIONS: u32 = 8;
const GATHER: u64 = 1024 * 1024;
/// Longest time for a connection if the client sets none.
const A_DAY: Duration = Duration::from_secs(24 * 3600);
/// Time from a command to the worker that executes it.
const TOLD: Duration = Duration::from_micros(50);

/// What happens next to a request.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// It reaches the service.
    Arrives,
    /// libcurl reports this code.
    Fails(u32),
    HeadArrives,
    BytesArrive,
    /// The worker looks at it.
    Look,
    Aborted,
}

impl Universe {
    /// The faults of request `number`.
    fn faults(&self, number: u64, clean: bool) -> Vec<FaultKind> {
        let planned = self.plan.faults.iter().enumerate().filter(|_| !clean);
        let hit = planned.filter(|(index, fault)| {
            let chance = mix(self.plan.seed ^ mix(number << 8 | *index as u64)) % 1000;
            fault.which.is(number, chance)
        });
        hit.map(|(_, fault)| fault.kind).collect()
    }

    /// What happens to a request.
    pub fn step(&self, id: u64, step: Step) {
        let Some(mut flight) = self.net.borrow_mut().take(id) else { return };
        let process = self.process(flight.process);
        let now = self.now();
        let mut sent = Vec::new();
        let send = &mut |at, event| sent.push((at, event));
        let next = match step {
            Step::Arrives => self.arrives(&mut flight),
            Step::Fails(curl_code) => {
                let message = "simulated".to_owned();
                Next::Ends(EndReason::Broken { curl_code, message })
            }
            Step::HeadArrives => flight.head_arrives(now, send),
            Step::BytesArrive => {
                let fetch = flight.id;
                let claimed = &mut |range| self.claimed(&process, fetch, range);
                flight.bytes_arrive((now, self.plan.path.round_trip), self.base, claimed, send)
            }
            Step::Look if flight.look_at != Some(now) => Next::Waits,
            Step::Look => {
                flight.look_at = None;
                match flight.look(now, send) {
                    Ok(()) => Next::Waits,
                    Err(reason) => Next::Ends(reason),
                }
            }
            Step::Aborted => Next::Ends(EndReason::Aborted),
        };
        match next {
            Next::Ends(reason) => self.end_flight(flight, reason, &mut sent),
            Next::Waits => self.keep(flight),
            Next::Flows(kept) => self.flow(flight, kept),
            Next::Again(wait) => {
                self.plan_at(now + wait, Happening::Step(flight.id, Step::BytesArrive));
                self.keep(flight);
            }
        }
        for (at, event) in sent {
            self.deliver_at(at, &process, event);
        }
        self.bury_the_dead();
    }

    fn keep(&self, mut flight: Box<Flight>) {
        if let Some(at) = flight.next_look(self.now())
            && flight.look_at.is_none_or(|planned| at < planned)
        {
            flight.look_at = Some(at);
            self.plan_at(at, Happening::Step(flight.id, Step::Look));
        }
        self.net.borrow_mut().put_back(flight);
    }

    /// More bytes of the body come, after the time for which the connection is kept.
    fn flow(&self, mut flight: Box<Flight>, kept: Duration) {
        let process = self.process(flight.process);
        let traffic_limit = process.request.traffic_limit / 8;
        let own = flight.connection.rate_over(self.plan.path.round_trip);
        let own = if traffic_limit == 0 { own } else { own.min(traffic_limit as f64) };
        let busy = self.service.borrow().bandwidth().filter(|_| !process.is_clean());
        let common = self.plan.path.link.into_iter().chain(busy).min();
        let rate = {
            let mut net = self.net.borrow_mut();
            net.flows(flight.id, own);
            own.min(net.level(common))
        };
        let takes = flight.flow(rate, self.plan.path.burst);
        self.plan_at(self.now() + kept + takes, Happening::Step(flight.id, Step::BytesArrive));
        self.keep(flight);
    }

    fn end_flight(
        &self,
        mut flight: Box<Flight>,
        reason: EndReason,
        sent: &mut Vec<(Duration, Event)>,
    ) {
        let process = self.process(flight.process);
        let whole = matches!(reason, EndReason::Complete) && flight.is_drained();
        let (at, end) = flight.finish(reason, self.now(), &mut |at, event| sent.push((at, event)));
        self.tell(&process, || format!("request {} ends: {:?}", flight.asked.number, end.ending));
        sent.push((at, Event::Ended(end)));
        self.net.borrow_mut().no_longer_flows(flight.id);
        self.ended(&process);
        if whole && flight.connection.left != Some(0) {
            process.idle.borrow_mut().push(flight.connection);
        }
    }

    /// The request reaches the service, unless something prevents that.
    fn arrives(&self, flight: &mut Flight) -> Next {
        let now = self.now();
        let half = self.plan.path.round_trip / 2;
        let fails = |code| {
            self.plan_at(now + half, Happening::Step(flight.id, Step::Fails(code)));
            Next::Waits
        };
        let mut service = self.service.borrow_mut();
        let outage = service.outage(now).filter(|_| !flight.asked.clean);
        if outage == Some(OutageKind::Refused) {
            return fails(curl_sys::CURLE_RECV_ERROR);
        }
        if flight.faults.contains(&FaultKind::NoReply) {
            return fails(curl_sys::CURLE_GOT_NOTHING);
        }
        if outage == Some(OutageKind::Silent) || flight.faults.contains(&FaultKind::Silent) {
            return Next::Waits;
        }
        flight.asked.active = 1 + self.net.borrow().flights().filter(|f| f.is_served()).count();
        flight.asked.demand = self.net.borrow().demand();
        flight.asked.rate = flight.connection.rate;
        let reply = service.answer(&flight.asked, &flight.faults, now);
        let process = self.process(flight.process);
        self.tell(&process, || {
            format!("request {} is answered {}", flight.asked.number, reply.head.status)
        });
        let at = now + half + reply.delay;
        flight.reply = Some(reply);
        self.plan_at(at, Happening::Step(flight.id, Step::HeadArrives));
        Next::Waits
    }

    /// Opens a connection. `Ok` is the time that it takes, `Err` the time after which it fails and libcurl's code.
    fn connect(
        &self,
        faults: &[FaultKind],
        timeout: Option<Duration>,
        clean: bool,
    ) -> std::result::Result<Duration, (Duration, u32)> {
        let PathPlan { round_trip, tls, .. } = self.plan.path;
        let outage = self.service.borrow().outage(self.now()).filter(|_| !clean);
        let timeout = timeout.unwrap_or(A_DAY);
        let mut failure = match outage {
            Some(OutageKind::NoNames) => Some((round_trip, curl_sys::CURLE_COULDNT_RESOLVE_HOST)),
            Some(OutageKind::Refused) => Some((round_trip, curl_sys::CURLE_COULDNT_CONNECT)),
            Some(OutageKind::Silent) => Some((timeout, curl_sys::CURLE_OPERATION_TIMEDOUT)),
            Some(OutageKind::Busy) | None => None,
        };
        for fault in faults {
            let code = match fault {
                FaultKind::NoName => curl_sys::CURLE_COULDNT_RESOLVE_HOST,
                FaultKind::ConnectionRefused => curl_sys::CURLE_COULDNT_CONNECT,
                FaultKind::Handshake => curl_sys::CURLE_SSL_CONNECT_ERROR,
                FaultKind::ConnectTimeout => {
                    failure = Some((timeout, curl_sys::CURLE_OPERATION_TIMEDOUT));
                    continue;
                }
                _ => continue,
            };
            failure = Some((round_trip, code));
        }
        let takes = round_trip * if tls { 2 } else { 1 };
        match failure {
            Some(failure) => Err(failure),
            None if takes > timeout => Err((timeout, curl_sys::CURLE_OPERATION_TIMEDOUT)),
            None => Ok(takes),
        }
    }
}

impl Flight {
    /// Whether the service is busy with it.
    fn is_served(&self) -> bool {
        self.reply.is_some() || self.head.status != 0
    }
}

impl Network for Inside<'_> {
    fn credentials(&self) -> Result<Option<CachedKey>> {
        self.enter()?;
        let process = self.process;
        let now = self.time();
        let ask = |takes| self.asks(now, takes);
        match process.credentials.borrow_mut().issue(now, ask) {
            Issued::Key(key) => Ok(Some(key)),
            Issued::Failed(error) => Err(error),
            Issued::Awaited => Ok(None),
        }
    }

    fn credentials_expired(&self, serial: u64) -> bool {
        self.enter().is_ok() && self.process.credentials.borrow_mut().refused(serial)
    }

    fn connections(&self, wanted: u32, in_use: u32) -> Allowance {
        let share = self.process.share.borrow();
        let Some(share) = &*share else { return Allowance::NONE };
        let allowance = share.adjust(wanted, in_use);
        self.universe.notify_sharers(self.process);
        allowance
    }

    fn start(&self, slot: usize, request: NewRequest, key: &CachedKey) -> Result<u64> {
        self.enter()?;
        let (universe, process) = (self.universe, self.process);
        let now = self.time();
        let clean = process.is_clean();
        let number = {
            let mut net = universe.net.borrow_mut();
            net.requests += 1;
            net.requests - 1
        };
        let faults = universe.faults(number, clean);
        let credentials = process.credentials.borrow();
        let asked = Asked { number, head: request.head, clean, ..asked(&request) };
        let asked = match universe.plan.url {
            None => Asked {
                skew: process.clock_error.get(),
                expired: credentials.is_expired(key.serial, now),
                ..asked
            },
            Some(plan) => {
                let visited = url::visited(plan, &request, &credentials, now, clean);
                let Asked { expired, location, reads_past_end, .. } = visited;
                Asked { by_url: true, expired, location, reads_past_end, ..asked }
            }
        };
        drop(credentials);
        universe.started(process, (slot, now), &request, (&asked, &faults));
        let idle = process.idle.borrow_mut().pop().filter(|_| !faults.iter().any(is_of_connecting));
        let connected = match idle {
            Some(_) => Ok(Duration::ZERO),
            None => universe.connect(&faults, process.client.connect_timeout, clean),
        };
        let opened = u64::from(idle.is_none() && connected.is_ok());
        let connection = idle
            .unwrap_or_else(|| universe.net.borrow_mut().connection(&universe.plan.path, clean));
        let limited = process.client.max_bandwidth != 0 || process.request.max_bandwidth != 0;
        let start = request.span.start();
        let intake = request.destination.map(|to| self.intake(start, to, now));
        let id = universe.net.borrow_mut().insert(|id| {
            let mut flight = Flight::new(
                (id, process.index),
                (request.stage, request.span),
                (asked, faults),
                (connection, opened),
                (RateLimiter::new(&process.bandwidth, &process.shared.bandwidth), limited),
                process.shared.counters.clone(),
                process.client.idle_timeout,
                now,
            );
            flight.intake = intake;
            flight.sent = connected.ok().map(|takes| now + takes);
            flight
        });
        universe.may_claim(process, id, start);
        match connected {
            Ok(takes) => {
                let at = now + takes + universe.plan.path.round_trip / 2;
                universe.plan_at(at, Happening::Step(id, Step::Arrives));
                let flight = universe.net.borrow_mut().take(id);
                flight.into_iter().for_each(|flight| universe.keep(flight));
            }
            Err((takes, code)) => {
                universe.plan_at(now + takes, Happening::Step(id, Step::Fails(code)));
            }
        }
        Ok(id)
    }

    fn proceed(&self, _: usize, fetch: u64, start: u64, destination: Destination) -> Result<()> {
        self.enter()?;
        let now = self.time();
        let intake = self.intake(start, destination, now);
        let flight = self.universe.net.borrow_mut().take(fetch);
        if let Some(mut flight) = flight {
            self.universe.proceeds(self.process);
            flight.proceed(intake, now);
            self.universe.flow(flight, now.saturating_sub(self.universe.now()));
        }
        Ok(())
    }

    fn abort(&self, _: usize, fetch: u64) {
        if self.enter().is_ok() {
            let at = self.time() + TOLD;
            self.universe.plan_at(at, Happening::Step(fetch, Step::Aborted));
        }
    }

    fn close_idle_connections(&self) {
        if self.enter().is_ok() {
            self.process.idle.borrow_mut().clear();
        }
    }

    fn service_time(&self) -> Timestamp {
        let ahead = self.process.clock_error.get();
        let time = Service::time(self.time());
        time.checked_add(SignedDuration::from_millis(ahead)).unwrap_or(time)
    }

    fn set_service_time(&self, time: Timestamp) {
        let right = Service::time(self.time());
        self.process.clock_error.set(time.as_millisecond() - right.as_millisecond());
    }

    fn host(&self) -> &str {
        "oss.simulated"
    }

    fn decryption_keys(&self) -> &DecryptionKeys {
        &self.process.decryption_keys
    }

    fn has_key_unwrapper(&self) -> bool {
        false
    }

    fn unwrap_key(&self, _: WrappedKey) -> Result<HostAsked<ContentKey>> {
        Ok(HostAsked::Nobody)
    }

    fn ask_for_url(&self, _: &SharedUrlProvider) -> Result<HostAsked<String>> {
        self.enter()?;
        let (sender, answers) = Answers::to_come();
        self.process.url_answer.replace(Some(sender));
        let now = self.time();
        self.process.credentials.borrow_mut().ask_for_url(now, |takes| self.asks(now, takes));
        Ok(HostAsked::Awaits(answers))
    }
}

impl Inside<'_> {
    /// A provider has been asked, and answers after this time, if it does.
    fn asks(&self, now: Duration, takes: Option<Duration>) {
        self.universe.tell(self.process, || "the provider is asked".to_owned());
        if let Some(takes) = takes {
            let happening = Happening::ProviderAnswers(self.process.index);
            self.universe.plan_at(now + takes, happening);
        }
    }

    fn intake(&self, start: u64, destination: Destination, now: Duration) -> Intake {
        let few = self.process.request.most_connections() <= FEW_CONNECTIONS;
        Intake::new(
            (self.universe.disk.clone(), self.process.disk_id),
            destination.base,
            destination.grain,
            if few { GATHER } else { GATHER / 2 },
            start,
            now,
        )
    }
}

fn is_of_connecting(fault: &FaultKind) -> bool {
    matches!(
        fault,
        FaultKind::NoName
            | FaultKind::ConnectionRefused
            | FaultKind::ConnectTimeout
            | FaultKind::Handshake
    )
}

/// What a request asks for.
fn asked(request: &NewRequest) -> Asked {
    let composed = &request.composed;
    let header = |wanted: &str| {
        let mut found = composed.headers.iter().filter(|(name, _)| name == wanted);
        found.next().map(|(_, value)| value.clone())
    };
    let process = composed.query.iter().find(|(name, _)| name == "x-oss-process");
    let process = process.map(|(_, value)| value.clone().unwrap_or_default());
    let in_url = || request.address.as_ref()?.parameter("x-oss-process");
    let processed = process.or_else(in_url).map(|value| match value.as_str() {
        "chunked" => Processed::Chunked,
        "error" => Processed::Error,
        _ => Processed::WithLength,
    });
    let range = header("Range").and_then(|value| {
        let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse().ok()?, last.parse().ok()))
    });
    Asked {
        range,
        if_match: header("If-Match"),
        if_none_match: header("If-None-Match"),
        processed,
        ..Asked::default()
    }
}

/// An error of a process that is dead; nobody sees it.
pub fn dead() -> Error {
    Error::internal("this process has been killed")
}
