//! What the invariants remember of a process while it runs.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::model::extent::Extent;
use crate::model::outcome::Phase;
use crate::model::pinning::Pinning;
use crate::oss::service_error;
use crate::transfer::connection::reply_stage::ReplyStage;
use crate::transfer::event::{EndReason, Event, FetchEnd};
use crate::transfer::world::{Network, NewRequest};

use super::content::Bytes;
use super::disk::Damage;
use super::flight::Flight;
use super::plan::{FaultKind, RetryPlan};
use super::process::{Inside, Process};
use super::readable::Followed;
use super::service::Asked;
use super::universe::Universe;

/// Longest delay that a service is granted.
const MOST_ASKED: Duration = Duration::from_secs(60);
/// A number of connections that was halved grows by one in this time, and is not halved again before it has passed.
const GROWS_EVERY: Duration = Duration::from_secs(1);

/// Refusals of requests that nobody waits for any more, in a download that starts over, may be ignored so often.
const MOST_IGNORED: usize = 2;

/// What was seen of a process.
#[derive(Debug)]
pub struct Watch {
    /// Requests whose end it has not taken, and what they have claimed.
    claims: BTreeMap<u64, Range<u64>>,
    pub requests: u64,
    /// The faults of its requests.
    pub hits: Vec<FaultKind>,
    /// No request may start before this.
    pub not_before: Duration,
    /// The most connections that it may have while the service throttles, since when, and when that was lowered.
    limit: (u32, Duration, Option<Duration>),
    /// Something came or was done for the last time, and the longest time before that without anything.
    pub progress: Duration,
    pub longest_wait: Duration,
    bytes: u64,
    /// Time for which the disk kept it busy.
    pub busy: Duration,
    /// At its start: the target, how many bytes the journal lists, how many of them it can use, and whether there were
    /// temporary files.
    pub target: Option<Bytes>,
    pub listed: u64,
    pub recorded: u64,
    pub had_temp: bool,
    /// At its end: the journal lists bytes.
    pub leaves: bool,
    /// Bytes of an earlier run that were not in the file.
    pub damaged: u64,
    /// When the last byte came.
    pub last_byte: Duration,
    /// First replies whose body was taken.
    pub starts: u32,
    /// A file has appeared at the target while the run must not replace one.
    pub appeared: bool,
    /// Times at which it learned of refusals that no retry can change.
    finals: Vec<Duration>,
    /// The service has refused one of its requests because of traffic.
    pub throttled: bool,
    pub followed: Followed,
    /// When its number of requests in flight changed, and to what.
    pub connections: Vec<(Duration, u32)>,
    /// When it sent requests.
    pub sent: Vec<Duration>,
}

impl Watch {
    pub fn new(thread_num: u32, now: Duration) -> Self {
        Watch {
            claims: BTreeMap::new(),
            requests: 0,
            hits: Vec::new(),
            not_before: Duration::ZERO,
            limit: (thread_num, now, None),
            progress: now,
            longest_wait: Duration::ZERO,
            bytes: 0,
            busy: Duration::ZERO,
            target: None,
            listed: 0,
            recorded: 0,
            had_temp: false,
            leaves: false,
            damaged: 0,
            last_byte: now,
            starts: 0,
            appeared: false,
            finals: Vec::new(),
            throttled: false,
            followed: Followed::new(),
            connections: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn progressed(&mut self, now: Duration) {
        self.longest_wait = self.longest_wait.max(now.saturating_sub(self.progress));
        self.progress = now;
    }

    /// How many connections there may be.
    fn allowed(&self, now: Duration) -> u32 {
        let (limit, since, _) = self.limit;
        let grown = now.saturating_sub(since).as_secs() / GROWS_EVERY.as_secs();
        limit.saturating_add(u32::try_from(grown).unwrap_or(u32::MAX))
    }

    fn halve(&mut self, now: Duration) {
        if self.limit.2.is_none_or(|at| now - at >= GROWS_EVERY) {
            self.limit = (self.allowed(now).div_ceil(2), now, Some(now));
        }
    }
}

impl Universe {
    /// A request starts.
    pub fn started(
        &self,
        process: &Process,
        (slot, now): (usize, Duration),
        request: &NewRequest,
        (asked, faults): (&Asked, &[FaultKind]),
    ) {
        self.tell(process, || {
            let method = if request.head { "HEAD" } else { "GET" };
            let number = asked.number;
            format!("request {number} on slot {slot}: {method} {:?} {faults:?}", asked.range)
        });
        if !request.head && asked.range.is_some() {
            self.check_order(process, request.span.held());
        }
        let mut watch = process.watch.borrow_mut();
        watch.requests += 1;
        watch.hits.extend_from_slice(faults);
        let most = process.request.most_connections() as usize;
        let in_flight = self.net.borrow().flights().filter(|f| f.process == process.index).count();
        watch.sent.push(now);
        watch.connections.push((now, u32::try_from(in_flight).unwrap_or(u32::MAX) + 1));
        let processes = self.processes.borrow();
        let shares = |f: &&Flight| Arc::ptr_eq(&processes[f.process].budget, &process.budget);
        let of_client = self.net.borrow().flights().filter(shares).count();
        if of_client >= process.budget.limit() as usize {
            self.violated("never more connections than a client has", || {
                format!("a request beside {of_client} others")
            });
        }
        if in_flight >= most || slot >= most {
            self.violated("never more connections than allowed", || {
                format!("a request on slot {slot} beside {in_flight} others")
            });
        }
        let limited = usize::try_from(watch.allowed(now)).unwrap_or(usize::MAX);
        if watch.throttled && in_flight >= limited {
            self.violated("never more connections than allowed", || {
                format!(
                    "a request beside {in_flight} others; the service throttles: {:?}",
                    watch.limit
                )
            });
        }
        let decides = matches!(process.client.retry, RetryPlan::After(..));
        if watch.finals.len() > MOST_IGNORED && !decides {
            self.violated("a final refusal ends the download", || format!("{:?}", watch.finals));
        }
        if let ReplyStage::Expected { pinning: Pinning::IfMatch, generation, .. } = &request.stage
            && asked.if_match.as_deref().map(|tag| tag.trim_matches('"'))
                != generation.etag.as_deref()
        {
            self.violated("every later request is pinned", || format!("{asked:?}"));
        }
        if now < watch.not_before && !decides {
            self.violated("no request starts before the time that the service named", || {
                format!("at {now:?}, before {:?}", watch.not_before)
            });
        }
    }

    /// A request has ended.
    pub fn ended(&self, process: &Process) {
        let in_flight = self.net.borrow().flights().filter(|f| f.process == process.index).count();
        let in_flight = u32::try_from(in_flight).unwrap_or(u32::MAX);
        process.watch.borrow_mut().connections.push((self.now(), in_flight));
    }

    /// A request has a number and may claim bytes from now on.
    pub fn may_claim(&self, process: &Process, fetch: u64, start: u64) {
        process.watch.borrow_mut().claims.insert(fetch, start..start);
    }

    /// A request claims bytes.
    pub fn claimed(&self, process: &Process, fetch: u64, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let mut watch = process.watch.borrow_mut();
        watch.last_byte = self.now();
        for (other, held) in &watch.claims {
            if *other != fetch && held.start < range.end && range.start < held.end {
                self.violated("no byte is owned twice", || {
                    format!("{range:?} is claimed while {held:?} is held by another request")
                });
            }
        }
        if let Some(held) = watch.claims.get_mut(&fetch) {
            if held.is_empty() {
                *held = range;
            } else {
                held.end = range.end;
            }
        }
    }

    /// A process takes the body of a first reply.
    pub fn proceeds(&self, process: &Process) {
        process.watch.borrow_mut().starts += 1;
        let phase = process.shared.status().phase;
        if !matches!(phase, Phase::Transferring | Phase::Paused) {
            self.violated("bytes are received in the phase of the transfer", || {
                format!("{phase:?}")
            });
        }
    }

    /// Other programs do something to the files of a process.
    pub fn suffers(&self, process: &Process, damage: &Damage) {
        let mut watch = process.watch.borrow_mut();
        if let Damage::Target(..) = damage {
            watch.appeared |= process.plan.request.keep_target;
            // What must stay is this one now.
            watch.target = self.disk.target(&process.request);
        }
        if let Damage::NoTarget = damage {
            watch.target = None;
        }
    }

    /// A process is busy with its disk.
    pub fn is_busy(&self, process: &Process, time: Duration) {
        let mut watch = process.watch.borrow_mut();
        watch.busy += time;
        let now = self.now();
        watch.progressed(now);
        watch.progress = now + time;
    }
}

impl Inside<'_> {
    /// The process takes an event.
    pub fn received(&self, event: &Event) {
        let mut watch = self.process.watch.borrow_mut();
        let now = self.time();
        let bytes = self.process.shared.counters.bytes_from_network.get();
        if bytes != std::mem::replace(&mut watch.bytes, bytes) || !matches!(event, Event::Ended(_))
        {
            watch.progressed(now);
        }
        watch.followed.received(event);
        if let Event::Damaged(extent) = event {
            watch.damaged += extent.len;
        }
        if let Event::Ended(end) = event {
            watch.claims.remove(&end.fetch);
            drop(watch);
            self.note_refusal(end, now);
        }
    }

    /// Notes what a refusal asks for.
    fn note_refusal(&self, end: &FetchEnd, now: Duration) {
        let code = service_error::parse(&end.head, &end.body).code;
        // Another address of a URL may accept what one has refused.
        let elsewhere = self.universe.plan.url.is_some_and(|url| url.redirects.is_some())
            || self.process.request.url_provider.is_some();
        if matches!(end.ending, EndReason::Refused)
            && !elsewhere
            && matches!(&*code, "AccessDenied" | "InvalidArgument" | "NoSuchKey")
        {
            let finals = &mut self.process.watch.borrow_mut().finals;
            if finals.last() != Some(&now) {
                finals.push(now);
            }
        }
        let asks = end.head.retry_after(self.service_time());
        let throttles = matches!(end.head.status, 429 | 503)
            || (asks.is_some()
                && (code == "RequestTimeout" || matches!(end.head.status, 408 | 500 | 502 | 504)));
        if throttles && matches!(end.ending, EndReason::Refused) {
            let mut watch = self.process.watch.borrow_mut();
            watch.throttled = true;
            watch.not_before = watch.not_before.max(now + asks.unwrap_or_default().min(MOST_ASKED));
            watch.halve(now);
        }
    }
}

/// Bytes of the object that a run can use: the journal lists them, and the file has them.
pub fn usable(universe: &Universe, process: &Process) -> u64 {
    let Some((header, extents)) = universe.disk.journal(&process.request) else { return 0 };
    let service = universe.service.borrow();
    let Some(generation) = service.current() else { return 0 };
    let same = generation.etag.as_deref().map(|etag| etag.trim_matches('"')) == Some(&header.etag)
        && generation.size == header.object_size
        && process.wanted(generation.size) == header.range;
    let name = header.temp_name.to_string_lossy();
    let temps = universe.disk.temp_files();
    let temp = temps.iter().find(|(path, _)| path.to_string_lossy().ends_with(&*name));
    let Some((_, bytes)) = temp.filter(|_| same) else { return 0 };
    let whole = |extent: &&Extent| {
        let base = header.range.start;
        let held = bytes.slice(extent.offset - base..extent.end() - base);
        held.are(generation.content, extent.offset..extent.end())
    };
    extents.iter().filter(whole).map(|extent| extent.len).sum()
}
