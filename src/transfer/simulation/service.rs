//! OSS as this world knows it: the generations of an object, and a reply to every request.

mod reply;

use std::time::Duration;

use jiff::Timestamp;

use crate::oss::clock;

use crate::oss::reply::ReplyHead;

use super::content::{Bytes, Content};
use super::plan::{
    Change, EtagKind, FaultKind, ObjectPlan, OutageKind, Processed, Refusal, RetryAfter,
    ServicePlan, Shape, Throttling, When,
};
use super::random::mix;

/// The service's time at the beginning of the world.
const BEGINNING: i64 = 1_796_000_000;
/// Largest difference between the times of the service and of a request.
const MAX_SKEW: i64 = 15 * 60 * 1000;

/// One generation of the object.
#[derive(Clone, Debug)]
pub struct Generation {
    pub content: Content,
    pub size: u64,
    /// As sent.
    pub etag: Option<String>,
    pub modified: String,
    /// When it was the object.
    pub from: Duration,
    pub until: Option<Duration>,
}

/// A request, as far as the service looks at it.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Counted from 0 over all runs.
    pub number: u64,
    pub head: bool,
    /// First byte, and last one.
    pub range: Option<(u64, Option<u64>)>,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub processed: Option<Processed>,
    /// Milliseconds by which the time of its signature is ahead.
    pub skew: i64,
    /// The key, or the URL, was not valid any more.
    pub expired: bool,
    /// It is for a URL.
    pub by_url: bool,
    /// It is redirected there.
    pub location: Option<String>,
    /// A range that ends beyond the object is ignored.
    pub reads_past_end: bool,
    /// Requests that the service is serving, with this one.
    pub active: usize,
    /// What the connections of all others could bring, in bytes per second.
    pub demand: f64,
    /// What its own connection could bring.
    pub rate: f64,
    /// The faults of the world have ended for whoever sent it.
    pub clean: bool,
}

/// A reply.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub head: ReplyHead,
    pub body: Body,
    /// Time that the service needs before it sends the reply.
    pub delay: Duration,
    /// It is not HTTP.
    pub garbage: bool,
}

#[derive(Clone, Debug, Default)]
pub enum Body {
    #[default]
    Nothing,
    /// The text of an error.
    Text(Vec<u8>),
    Object(ObjectBody),
}

/// A body with bytes of an object.
#[derive(Clone, Copy, Debug)]
pub struct ObjectBody {
    content: Content,
    start: u64,
    pub len: u64,
    /// The byte of the body with a flipped bit.
    flip: Option<u64>,
    /// The last byte is announced and does not come.
    pub lacks_a_byte: bool,
}

impl ObjectBody {
    /// Bytes `from..to` of the body.
    pub fn bytes(&self, from: u64, to: u64) -> Bytes {
        let piece = |content: Content, from, to| content.piece(self.start + from..self.start + to);
        match self.flip.filter(|at| (from..to).contains(at)) {
            None => piece(self.content, from, to).into(),
            Some(at) => [
                piece(self.content, from, at),
                piece(self.content.flipped(), at, at + 1),
                piece(self.content, at + 1, to),
            ]
            .into_iter()
            .collect(),
        }
    }
}

/// The service and its object.
pub struct Service {
    plan: ServicePlan,
    object: ObjectPlan,
    /// Those to come, the next one last.
    changes: Vec<(When, Change)>,
    pub generations: Vec<Generation>,
    exists: bool,
    /// Requests that it accepts before it throttles, and when that was.
    allowance: (f64, Duration),
}

impl Asked {
    /// Whether OSS ignores the range, because it is not within an object of `size` bytes.
    fn is_ignored(&self, size: u64) -> bool {
        let beyond = |(first, last): (u64, Option<u64>)| {
            first >= size || last.is_some_and(|last| last >= size)
        };
        self.reads_past_end && self.range.is_some_and(beyond)
    }
}

impl Service {
    pub fn new(plan: &ServicePlan, object: ObjectPlan, changes: &[(When, Change)]) -> Self {
        let mut service = Service {
            plan: plan.clone(),
            object,
            changes: changes.iter().rev().copied().collect(),
            generations: Vec::new(),
            exists: true,
            allowance: (1.0, Duration::ZERO),
        };
        service.create(Content(1), object.size, Duration::ZERO);
        service
    }

    fn create(&mut self, content: Content, size: u64, now: Duration) {
        let number = self.generations.len() as u64 + 1;
        let tag = format!("\"{:016X}{:016X}\"", mix(number), mix(number ^ 0xABCD));
        let etag = match self.object.etag {
            EtagKind::Strong => Some(tag),
            EtagKind::Weak => Some(format!("W/{tag}")),
            EtagKind::Absent => None,
        };
        let time = Timestamp::from_second(BEGINNING - 1_000_000 + number as i64 * 1000);
        let modified = time.ok().and_then(|time| clock::http_date(time).ok()).unwrap_or_default();
        self.exists = true;
        self.generations.push(Generation { content, size, etag, modified, from: now, until: None });
    }

    /// Makes the changes that are due before request `number` is answered.
    pub fn advance(&mut self, now: Duration, number: u64) {
        while let Some((when, change)) = self.changes.last().copied() {
            let due = match when {
                When::At(at) => at <= now,
                When::Request(nth) => nth <= number,
            };
            if !due {
                return;
            }
            self.changes.pop();
            self.change(change, now);
        }
    }

    fn change(&mut self, change: Change, now: Duration) {
        let Some(last) = self.generations.last_mut() else { return };
        last.until.get_or_insert(now);
        let (content, size) = (last.content, last.size);
        match change {
            Change::Grown(by) => self.create(content, size + by, now),
            Change::Replaced(size) => self.create(Content(content.0 + 1), size, now),
            Change::Deleted => self.exists = false,
        }
    }

    /// No change comes any more, and the object exists.
    pub fn settle(&mut self, now: Duration) {
        self.changes.clear();
        if let Some(last) = self.generations.last_mut().filter(|_| !self.exists) {
            last.until = None;
            last.from = now;
            self.exists = true;
        }
    }

    /// The current generation.
    pub fn current(&self) -> Option<&Generation> {
        self.generations.last().filter(|_| self.exists)
    }

    /// What is wrong with the way to the service at this time.
    pub fn outage(&self, now: Duration) -> Option<OutageKind> {
        let mut outages = self.plan.outages.iter();
        outages.find(|outage| (outage.from..outage.until).contains(&now)).map(|outage| outage.kind)
    }

    /// Rate of all replies together.
    pub fn bandwidth(&self) -> Option<u64> {
        self.plan.bandwidth
    }

    /// Whether other requests take all of its bandwidth.
    fn is_beyond_bandwidth(&self, asked: &Asked) -> bool {
        let busy = self.plan.bandwidth.filter(|_| !asked.clean);
        busy.is_some_and(|bandwidth| asked.demand >= bandwidth as f64)
    }

    /// The service's time.
    pub fn time(now: Duration) -> Timestamp {
        let millis = BEGINNING * 1000 + i64::try_from(now.as_millis()).unwrap_or_default();
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The CRC-64 that the service states for a generation, if it does.
    fn stated_crc(&self, generation: &Generation, of_link: bool) -> Option<u64> {
        let crc = generation.content.crc(0..generation.size);
        self.object.sends_crc.then_some(if of_link { !crc } else { crc })
    }

    /// The reply to a request.
    pub fn answer(&mut self, asked: &Asked, faults: &[FaultKind], now: Duration) -> Reply {
        self.advance(now, asked.number);
        let mut reply = self.reply(asked, faults, now);
        reply.delay += self.plan.think;
        for fault in faults {
            if let FaultKind::SlowHead(time) = fault {
                reply.delay += *time;
            }
        }
        if asked.head {
            reply.body = Body::Nothing;
        }
        reply
    }

    fn reply(&mut self, asked: &Asked, faults: &[FaultKind], now: Duration) -> Reply {
        for fault in faults {
            if let FaultKind::Refusal(refusal) = fault {
                return self.refuse(asked, *refusal, now);
            }
        }
        let plain = |status, code| Refusal { status, code: Some(code), asks: RetryAfter::Absent };
        if let Some(refusal) = self.throttle(asked, now) {
            return self.refuse(asked, refusal, now);
        }
        if asked.expired {
            let code = if asked.by_url { "AccessDenied" } else { "SecurityTokenExpired" };
            return self.refuse(asked, plain(403, code), now);
        }
        if let Some(location) = &asked.location {
            return reply::redirect(location);
        }
        if asked.skew.abs() > MAX_SKEW {
            return self.refuse(asked, plain(403, "RequestTimeTooSkewed"), now);
        }
        let Some(generation) = self.current().cloned() else {
            return self.refuse(asked, plain(404, "NoSuchKey"), now);
        };
        if self.fails_condition(asked, &generation) {
            return self.refuse(asked, plain(412, "PreconditionFailed"), now);
        }
        if asked.if_none_match.is_some() && asked.if_none_match == generation.etag {
            return self.refuse(asked, plain(304, "NotModified"), now);
        }
        let shape = faults.iter().find_map(|fault| match fault {
            FaultKind::Shape(shape) => Some(*shape),
            _ => None,
        });
        if shape == Some(Shape::Garbage) {
            return Reply { garbage: true, ..Reply::default() };
        }
        let range = asked.range.filter(|_| asked.processed.is_none());
        let range = range.filter(|_| !asked.is_ignored(generation.size));
        if range.is_some_and(|(first, _)| first >= generation.size) && !self.ignores_ranges(asked) {
            return self.refuse(asked, plain(416, "InvalidRange"), now);
        }
        self.send(asked, &generation, shape, faults)
    }

    fn ignores_ranges(&self, asked: &Asked) -> bool {
        self.plan.ignores_ranges && !asked.clean
    }

    fn fails_condition(&self, asked: &Asked, generation: &Generation) -> bool {
        let Some(wanted) = &asked.if_match else { return false };
        let refuses = self.plan.refuses_etag && !asked.clean;
        // A weak tag never satisfies If-Match.
        refuses || generation.etag.as_ref() != Some(wanted) || wanted.starts_with("W/")
    }

    fn throttle(&mut self, asked: &Asked, now: Duration) -> Option<Refusal> {
        if asked.clean {
            return None;
        }
        let ServicePlan { asks, throttles_with, .. } = self.plan;
        if self.outage(now) == Some(OutageKind::Busy) {
            return Some(throttles_with.refusal(asks));
        }
        if self.plan.active_requests.is_some_and(|most| asked.active > most) {
            return Some(Throttling::ActiveRequests.refusal(asks));
        }
        if self.plan.refuses_traffic && self.is_beyond_bandwidth(asked) {
            return Some(Throttling::TrafficLimit.refusal(asks));
        }
        let per_second = self.plan.requests_per_second?;
        let (left, since) = self.allowance;
        let gained = (now - since).as_secs_f64() * per_second as f64;
        let left = (left + gained).min(per_second as f64);
        let refused = left < 1.0;
        self.allowance = (if refused { left } else { left - 1.0 }, now);
        refused.then(|| throttles_with.refusal(asks))
    }
}

/// The document of an error, and the content that stands for it.
pub const ERROR_DOCUMENT: (Content, &str) = (
    Content(2_000_000),
    "<Error><Code>InvalidArgument</Code><Message>simulated</Message><RequestId>0</RequestId></Error>",
);

/// What the service makes of a generation when it processes it.
pub fn processed_content(generation: &Generation) -> Content {
    Content(generation.content.0 + 1_000_000)
}

pub fn processed_size(generation: &Generation) -> u64 {
    generation.size / 2
}
