//! What goes wrong in a life.

use std::time::Duration;

use crate::model::extent::Extent;
use crate::transfer::simulation::content::Content;
use crate::transfer::simulation::disk::{Call, Damage, DiskPlan, Failure, Occupied, Stall};
use crate::transfer::simulation::plan::*;
use crate::transfer::simulation::random::Random;

use super::{Draw, KIB, MIB, millis};

impl Draw {
    pub(super) fn trouble(&mut self) {
        match self.random.below(30) {
            0..9 => self.request_fault(),
            9 => self.others(),
            10 => {
                let random = &mut self.random;
                // Not so few that a large object takes thousands of connections.
                let bytes = random.log_range(64 * KIB..16 * MIB).max(self.plan.object.size / 60);
                self.plan.path.dying = Some((random.range(1..4), bytes));
            }
            11..14 => self.change(),
            14 | 15 => self.throttling(),
            16 => self.outage(),
            17 => self.service(),
            18 | 19 => self.client(),
            20 | 21 => self.limits(),
            22..26 => self.disk(),
            _ => self.damage(),
        }
    }

    /// Others use the same files.
    fn others(&mut self) {
        let random = &mut self.random;
        if random.chance(0.5) {
            self.plan.sdk = Some(*random.pick(&[
                SdkPlan::Right,
                SdkPlan::Right,
                SdkPlan::OfAnotherObject,
                SdkPlan::WithoutBytes,
                SdkPlan::Unusable,
            ]));
        } else {
            let run = random.below(self.plan.runs.len() as u64) as usize;
            let occupied = *random.pick(&[Occupied::Temp, Occupied::Journal]);
            self.plan.runs[run].occupied = Some(occupied);
        }
    }

    fn which(&mut self) -> Which {
        let random = &mut self.random;
        match random.below(10) {
            0..6 => Which::Number(random.log_range(1..30) - 1),
            6 => {
                let first = random.log_range(1..12) - 1;
                Which::Between(first, first + random.log_range(1..20))
            }
            7 => Which::Every(random.range(1..6), random.below(8)),
            _ => Which::PerMille(random.log_range(10..400)),
        }
    }

    fn request_fault(&mut self) {
        let which = self.which();
        let random = &mut self.random;
        // If many bodies end early, a download that gets little of each takes very long.
        let least = if matches!(which, Which::Number(_)) { 0 } else { 250 };
        let at = random.range(least..1000);
        let kind = match random.below(34) {
            0 => FaultKind::NoName,
            1 => FaultKind::ConnectionRefused,
            2 => FaultKind::ConnectTimeout,
            3 => FaultKind::Handshake,
            4 => FaultKind::NoReply,
            5 => FaultKind::HeadCut,
            6 => FaultKind::Silent,
            7 => FaultKind::SlowHead(millis(random.log_range(10..12_000))),
            8..12 => FaultKind::Reset(at),
            12..15 => FaultKind::Short(at),
            15..17 => FaultKind::Stall(at),
            17..19 => FaultKind::Flip(at),
            19 => FaultKind::Delayed(random.log_range(1..5000)),
            20..25 => FaultKind::Refusal(refusal(random)),
            _ => FaultKind::Shape(*random.pick(&[
                Shape::RangeIgnored,
                Shape::OtherRange,
                Shape::WrongLength,
                Shape::WrongTotal,
                Shape::NoTotal,
                Shape::NoContentRange,
                Shape::NoEtag,
                Shape::WeakEtag,
                Shape::OtherEtag,
                Shape::NoCrc,
                Shape::WrongCrc,
                Shape::Garbage,
                Shape::Compressed,
                Shape::NotOss,
                Shape::NoLength,
                Shape::TwoLengths,
            ])),
        };
        self.plan.faults.push(RequestFault { which, kind });
    }

    /// One change of the object, or one after another.
    fn change(&mut self) {
        self.one_change();
        if self.chance(0.15) {
            let every = self.random.range(1..6);
            for number in 1..10 {
                self.one_change();
                if let Some((when, _)) = self.plan.changes.last_mut() {
                    *when = When::Request(number * every);
                }
            }
        }
    }

    fn one_change(&mut self) {
        let size = self.plan.object.size;
        let random = &mut self.random;
        let when = if random.chance(0.6) {
            When::Request(random.log_range(1..24))
        } else {
            When::At(millis(random.log_range(1..20_000)))
        };
        let change = match random.below(10) {
            0 => Change::Deleted,
            1..5 if self.plan.object.appendable => Change::Grown(random.log_range(1..4 * MIB)),
            1..6 => Change::Replaced(size),
            _ => Change::Replaced(random.log_range(1..32 * MIB)),
        };
        self.plan.changes.push((when, change));
    }

    fn throttling(&mut self) {
        let random = &mut self.random;
        let service = &mut self.plan.service;
        service.asks = match random.below(4) {
            0 => RetryAfter::Seconds(random.below(5)),
            1 => RetryAfter::Date(random.below(70)),
            _ => RetryAfter::Absent,
        };
        service.throttles_with = *random.pick(&[
            Throttling::Unavailable,
            Throttling::TooManyRequests,
            Throttling::TrafficLimit,
            Throttling::SlowDown,
        ]);
        match random.below(3) {
            0 => service.requests_per_second = Some(random.log_range(1..20)),
            1 => service.active_requests = Some(random.range(1..6) as usize),
            _ => {
                let whole = self.plan.path.rate * u64::from(self.plan.runs[0].request.thread_num);
                service.bandwidth = Some((whole / random.range(1..5)).max(32 * KIB));
            }
        }
    }

    fn outage(&mut self) {
        let random = &mut self.random;
        let from = millis(random.log_range(1..5000));
        let until = from + millis(random.log_range(10..200_000));
        let kind = *random.pick(&[
            OutageKind::NoNames,
            OutageKind::Refused,
            OutageKind::Silent,
            OutageKind::Busy,
            OutageKind::Busy,
        ]);
        self.plan.service.outages.push(Outage { from, until, kind });
    }

    fn service(&mut self) {
        match self.random.below(5) {
            0 => self.plan.service.ignores_ranges = true,
            1 => self.plan.service.symlink = true,
            _ => self.plan.service.refuses_etag = true,
        }
    }

    /// Something about the client of one run, or of all.
    fn client(&mut self) {
        let credentials = credentials(&mut self.random);
        let random = &mut self.random;
        let kind = random.below(4);
        let skew = *random.pick(&[-7200, 7200, 1000, -86_400]);
        let correct = random.chance(0.8);
        let wait = millis(random.log_range(1..10_000));
        let retry = *random.pick(&[
            RetryPlan::Default,
            RetryPlan::Stop,
            RetryPlan::After(Duration::ZERO, 2),
            RetryPlan::After(wait, 5),
        ]);
        for run in self.affected() {
            match kind {
                0 => (run.client.skew, run.client.correct_clock) = (skew, correct),
                1 => run.client.retry = retry,
                _ => run.client.credentials = credentials,
            }
        }
    }

    /// Limits and conditions of one run, or of all.
    fn limits(&mut self) {
        let size = self.plan.object.size.max(MIB);
        let random = &mut self.random;
        let kind = random.below(8);
        let rate = (size / random.log_range(1..20)).max(64 * KIB);
        let deadline = millis(random.log_range(1..60_000));
        let short = millis(random.log_range(100..10_000));
        let waits = random.chance(0.6);
        let condition =
            *random.pick(&[Condition::Match, Condition::NoneMatch, Condition::MatchOther]);
        for run in self.affected() {
            match kind {
                0 => run.request.max_bandwidth = rate,
                1 => run.client.max_bandwidth = rate,
                2 => run.request.traffic_limit = rate * 8,
                3 => run.request.deadline = Some(deadline),
                4 => run.request.condition = Some(condition),
                5 => run.client.idle_timeout = waits.then_some(short),
                6 => run.client.no_progress_limit = Some(short),
                _ => {
                    // Without a limit something must end a run that waits for ever.
                    (run.client.first_byte_limit, run.client.throttle_limit) = (None, Some(short));
                    run.request.deadline.get_or_insert(Duration::from_secs(600));
                }
            }
        }
    }

    fn affected(&mut self) -> &mut [RunPlan] {
        if self.random.chance(0.5) {
            return &mut self.plan.runs;
        }
        let run = self.random.below(self.plan.runs.len() as u64) as usize;
        &mut self.plan.runs[run..=run]
    }

    fn disk(&mut self) {
        let size = self.plan.object.size;
        let random = &mut self.random;
        let disk = &mut self.plan.disk;
        match random.below(10) {
            0..5 => disk.failures.push(Failure::draw(random, 12)),
            5 => {
                let time = millis(random.log_range(10..30_000));
                let call = *random.pick(&[Call::Write, Call::Write, Call::Flush, Call::Read]);
                disk.stalls.push(Stall { call, nth: random.below(20), time });
            }
            6 => disk.capacity = Some(random.below(2 * size + 4 * MIB)),
            7 => disk.corrupt_writes.push(random.below(30)),
            8 => slow(disk, size, random),
            _ => {
                (disk.trusted, disk.locks) =
                    *random.pick(&[(true, false), (false, true), (false, false)]);
            }
        }
    }

    /// Damage to the files before a run.
    fn damage(&mut self) {
        let size = self.plan.object.size;
        let random = &mut self.random;
        let run = random.below(self.plan.runs.len() as u64) as usize;
        let run = &mut self.plan.runs[run];
        let from = random.below(size + 1);
        let hit = from..from + random.log_range(1..4 * MIB);
        let damage = match random.below(14) {
            0 | 1 => Damage::Zeros(hit),
            2 => Damage::Overwritten(Content(700), hit),
            3 | 4 => Damage::Length(random.below(2 * size + 10)),
            5 => Damage::NoTemp,
            6 => Damage::OtherTemp(Content(701), 0..random.below(2 * size + 10)),
            7 => Damage::Exposed,
            8 => Damage::ShortJournal(random.below(2000) as usize),
            9 => Damage::FlippedJournal(random.below(1200) as usize),
            10 => {
                let len = random.log_range(1..4 * MIB).min(size - from.min(size));
                let crc = Content(1).crc(from..from + len);
                Damage::Recorded(Extent { offset: from, len, crc })
            }
            11 => Damage::NoJournal,
            12 => Damage::OtherJournal,
            _ => {
                run.request.keep_target |= random.chance(0.7);
                Damage::Target(Content(702), 0..random.below(1000))
            }
        };
        let appears = matches!(damage, Damage::Target(..)) && random.chance(0.7);
        if appears || random.chance(0.3) {
            run.meanwhile.push((millis(random.range(0..self.takes)), damage));
        } else {
            run.damage.push(damage);
        }
    }
}

fn slow(disk: &mut DiskPlan, size: u64, random: &mut Random) {
    disk.call_time = Duration::from_micros(random.log_range(1..20_000));
    disk.flush_time = millis(random.log_range(1..3000));
    disk.bytes_per_second = (size / random.log_range(1..10)).max(MIB);
}

fn refusal(random: &mut Random) -> Refusal {
    let asks = match random.below(4) {
        0 => RetryAfter::Seconds(*random.pick(&[0, 1, 2, 5, 30, 100])),
        1 => RetryAfter::Date(random.below(90)),
        _ => RetryAfter::Absent,
    };
    let (status, code) = *random.pick(&[
        (503, Some("ServiceUnavailable")),
        (503, Some("SlowDown")),
        (503, Some("ActiveRequestLimitExceeded")),
        (503, None),
        (429, Some("QpsLimitExceeded")),
        (500, Some("InternalError")),
        (502, None),
        (504, None),
        (400, Some("RequestTimeout")),
        (400, Some("InvalidArgument")),
        (403, Some("AccessDenied")),
        (403, Some("RequestTimeTooSkewed")),
        (403, Some("SecurityTokenExpired")),
        (404, Some("NoSuchKey")),
        (404, None),
        (412, Some("PreconditionFailed")),
        (416, Some("InvalidRange")),
        (304, Some("NotModified")),
    ]);
    Refusal { status, code, asks }
}

/// How the keys of a client, or a URL, expire.
pub fn credentials(random: &mut Random) -> CredentialsPlan {
    if random.chance(0.2) {
        return CredentialsPlan::Expiring(millis(random.log_range(1..20_000)));
    }
    CredentialsPlan::Provider(ProviderPlan {
        lifetime: millis(random.log_range(100..100_000)),
        announces: random.chance(0.5),
        takes: millis(random.log_range(1..3000)),
        hangs_at: random.chance(0.1).then(|| random.below(3)),
        fails_every: random.chance(0.3).then(|| random.range(1..4)),
    })
}
