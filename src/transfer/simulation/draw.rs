//! Draws the plan of a life from its seed. A life has few troubles of the many that there are, so that each is met
//! alone and with any other.

mod troubles;

use troubles::credentials;

use std::time::Duration;

use crate::model::request::Order;

use super::plan::*;
use super::random::Random;

/// The stream of random numbers for pauses.
const PAUSES: u64 = 2;
/// The stream of random numbers for orders.
const ORDERS: u64 = 3;
/// A larger object is not fetched part by part.
const MOST_PARTS: u64 = 200;
/// … and for numbers of connections.
const CONNECTIONS: u64 = 4;
/// … and for expected digests.
const DIGESTS: u64 = 5;
/// … and for runs that compare an existing file or wait for each other.
const COMPANY: u64 = 6;
/// … and for URLs.
const URLS: u64 = 7;
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

impl Plan {
    /// The life of a seed.
    pub fn of(seed: u64) -> Self {
        let mut draw = Draw { random: Random::new(seed), plan: Plan::quiet(seed), takes: 0 };
        draw.object();
        draw.request();
        draw.path();
        draw.runs();
        for _ in 0..draw.random.below(9) {
            draw.trouble();
        }
        draw.url();
        draw.last_run();
        draw.digests();
        draw.plan
    }
}

struct Draw {
    random: Random,
    plan: Plan,
    /// Milliseconds that an undisturbed run takes, about.
    takes: u64,
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

impl Draw {
    fn chance(&mut self, p: f64) -> bool {
        self.random.chance(p)
    }

    fn object(&mut self) {
        let random = &mut self.random;
        self.plan.object = ObjectPlan {
            size: match random.below(40) {
                0 | 1 => 0,
                2..5 => random.range(1..64 * KIB),
                5..9 => random.log_range(64 * KIB..MIB),
                39 => random.log_range(64 * MIB..1024 * MIB),
                _ => random.log_range(MIB..64 * MIB),
            },
            appendable: random.chance(0.1),
            sends_crc: random.chance(0.85),
            etag: match random.below(20) {
                0 => EtagKind::Absent,
                1 => EtagKind::Weak,
                _ => EtagKind::Strong,
            },
        };
        if random.chance(0.3) {
            self.plan.old_target = Some(random.range(0..1000));
        }
    }

    fn request(&mut self) {
        let size = self.plan.object.size;
        let random = &mut self.random;
        let request = RequestPlan {
            target: 0,
            part_size: random.log_range(64 * KIB..(size / 4).clamp(128 * KIB, 16 * MIB)),
            thread_num: *random.pick(&[1, 1, 2, 3, 3, 3, 4, 6, 8, 16]),
            auto_concurrency: false,
            checkpoint: random.chance(0.85),
            range: if random.chance(0.12) { Some(range(random, size)) } else { None },
            processed: None,
            condition: None,
            flush: random.chance(0.8),
            preallocate: random.chance(0.15),
            check_space: random.chance(0.9),
            verify_before_rename: random.chance(0.1),
            keep_target: random.chance(0.04),
            set_modified_time: random.chance(0.1),
            deadline: None,
            max_bandwidth: 0,
            traffic_limit: 0,
            order: Order::Default,
            expects: None,
            if_different: false,
            waits: false,
        };
        let client = ClientPlan {
            verify_crc: random.chance(0.9),
            max_attempts: *random.pick(&[3, 3, 3, 3, 3, 3, 1, 2, 5]),
            ..ClientPlan::default()
        };
        let run = &mut self.plan.runs[0];
        (run.request, run.client) = (request, client);
        if random.chance(0.05) && request.range.is_none() {
            run.request.processed =
                Some(*random.pick(&[Processed::WithLength, Processed::Chunked, Processed::Error]));
        }
    }

    /// A life by a URL. It depends on the seed only, so that lives without one stay as they are.
    fn url(&mut self) {
        let mut random = Random::new(self.plan.seed).fork(URLS);
        if !random.chance(0.2) {
            return;
        }
        let lasting = millis(random.log_range(50..100_000));
        let redirects = random.chance(0.4).then_some(lasting);
        self.plan.url = Some(UrlPlan { redirects, oss_ranges: random.chance(0.5) });
        self.plan.sdk = None;
        if random.chance(0.6) {
            let credentials = credentials(&mut random);
            self.plan.runs.iter_mut().for_each(|run| run.client.credentials = credentials);
        }
    }

    /// A path on which a download takes some seconds at most.
    fn path(&mut self) {
        let random = &mut self.random;
        let threads = u64::from(self.plan.runs[0].request.thread_num);
        let takes = random.log_range(50..6000);
        self.takes = takes;
        let rate = (self.plan.object.size * 1000 / takes / threads).clamp(40 * KIB, 500 * MIB);
        let whole = rate * threads;
        self.plan.path = PathPlan {
            round_trip: Duration::from_micros(random.log_range(200..300_000)),
            tls: random.chance(0.5),
            rate,
            uneven: random.chance(0.15).then(|| (random.range(2..5), random.log_range(2..40))),
            link: random.chance(0.15).then(|| (whole / random.range(1..6)).max(16 * KIB)),
            slow_start: false,
            burst: Duration::from_millis(100),
            dying: None,
            latency: if random.chance(0.3) {
                Duration::from_micros(random.log_range(20..20_000))
            } else {
                Duration::ZERO
            },
        };
        self.plan.service.think = Duration::from_micros(random.log_range(100..50_000));
    }

    /// Further runs, and what ends the earlier ones.
    fn runs(&mut self) {
        while self.plan.runs.len() < 5 && self.chance(0.5) {
            let end = self.end();
            let random = &mut self.random;
            let last = self.plan.runs.len() - 1;
            let mut next = self.plan.runs[last].clone();
            self.plan.runs[last].end = Some(end);
            if random.chance(0.2) {
                next.request.thread_num = *random.pick(&[1, 2, 3, 5, 8]);
            }
            if random.chance(0.1) {
                next.request.part_size = random.log_range(64 * KIB..16 * MIB);
            }
            if random.chance(0.05) {
                next.client.verify_crc ^= true;
            }
            if random.chance(0.04) {
                next.request.checkpoint ^= true;
            }
            if random.chance(0.04) {
                let size = self.plan.object.size;
                next.request.range = match next.request.range {
                    None if next.request.processed.is_none() => Some(range(random, size)),
                    _ => None,
                };
            }
            next.start = if random.chance(0.12) {
                Start::With(millis(random.log_range(1..3000)))
            } else {
                Start::After(millis(random.log_range(1..10_000)))
            };
            self.plan.runs.push(next);
        }
        if self.chance(0.15) {
            let end = self.end();
            if let Some(last) = self.plan.runs.last_mut() {
                last.end = Some(end);
            }
        }
        self.pauses();
        self.connections();
        self.orders();
        self.company();
    }

    /// Which runs compare an existing file, and which wait for each other. It depends on the seed only, as pauses do.
    fn company(&mut self) {
        let mut random = Random::new(self.plan.seed).fork(COMPANY);
        if random.chance(0.2) {
            self.plan.runs.iter_mut().for_each(|run| run.request.if_different = random.chance(0.8));
        }
        if random.chance(0.8) {
            return;
        }
        for run in &mut self.plan.runs {
            run.request.waits = random.chance(0.9);
            run.occupied_for = millis(random.log_range(1..20_000));
            if random.chance(0.6) {
                run.start = Start::With(millis(random.log_range(1..self.takes * 2)));
            }
        }
        while self.plan.runs.len() < 6 && random.chance(0.6) {
            let last = &self.plan.runs[self.plan.runs.len() - 1];
            let start = Start::With(millis(random.log_range(1..self.takes * 2)));
            self.plan.runs.push(RunPlan { start, end: None, ..last.clone() });
        }
    }

    /// The order in which the runs fetch the object. It depends on the seed only, so that lives without one stay as
    /// they are.
    fn orders(&mut self) {
        let mut random = Random::new(self.plan.seed).fork(ORDERS);
        if random.chance(0.6) {
            return;
        }
        for run in &mut self.plan.runs {
            // With more parts a life has too many requests.
            let few = self.plan.object.size / run.request.part_size < MOST_PARTS;
            if random.chance(0.8) && few {
                run.request.order = Order::Sequential;
            }
        }
    }

    /// Digests that the runs expect. They depend on the seed only, as pauses do.
    fn digests(&mut self) {
        let mut random = Random::new(self.plan.seed).fork(DIGESTS);
        let every = if random.chance(0.6) { 0.0 } else { 0.7 };
        for run in &mut self.plan.runs {
            let digest = *random.pick(&[
                Digest::Sha256,
                Digest::Sha256,
                Digest::Md5,
                Digest::Crc64,
                Digest::All,
            ]);
            let right = run.clean || random.chance(0.8);
            run.request.expects = random.chance(every).then_some(Expects { digest, right });
        }
    }

    /// How connections are counted. This depends on the seed only, as pauses do.
    fn connections(&mut self) {
        let mut random = Random::new(self.plan.seed).fork(CONNECTIONS);
        self.plan.path.slow_start = random.chance(0.2);
        for run in &mut self.plan.runs {
            if random.chance(0.3) {
                run.request.auto_concurrency = true;
                run.request.thread_num = *random.pick(&[0, 1, 2, 3, 4, 6, 8, 16, 16, 64]);
            }
            if random.chance(0.15) {
                run.client.max_connections = *random.pick(&[1, 2, 3, 5, 8]);
            }
        }
    }

    /// Pauses at any time. They depend on the seed only, so that lives without them stay as they are.
    fn pauses(&mut self) {
        let mut random = Random::new(self.plan.seed).fork(PAUSES);
        for run in &mut self.plan.runs {
            if random.chance(0.85) {
                continue;
            }
            for _ in 0..random.range(1..5) {
                let after = match random.below(3) {
                    0 => Duration::from_micros(random.log_range(1..100_000)),
                    _ => millis(random.range(0..self.takes * 5 / 4)),
                };
                run.pauses.push((after, millis(random.log_range(1..100_000))));
            }
        }
    }

    fn end(&mut self) -> End {
        let random = &mut self.random;
        let moment = match random.below(10) {
            0 => Moment::After(millis(random.log_range(1..8000))),
            1..5 => Moment::After(millis(random.range(self.takes / 4..self.takes * 5 / 4))),
            5..8 => Moment::Call(random.range(1..300)),
            _ => Moment::DiskStep(random.range(1..80)),
        };
        match (random.below(10), moment) {
            (0..3, Moment::After(after)) => End::Cancel(after),
            (3 | 4, _) => End::PowerLoss(moment),
            _ => End::Kill(moment),
        }
    }

    /// The run after all faults.
    fn last_run(&mut self) {
        let first = &self.plan.runs[0];
        let processed = first.request.processed.map(|_| Processed::WithLength);
        let request = RequestPlan {
            processed,
            condition: None,
            keep_target: false,
            deadline: None,
            max_bandwidth: 0,
            traffic_limit: 0,
            ..first.request
        };
        let client = ClientPlan { verify_crc: first.client.verify_crc, ..ClientPlan::default() };
        let start = Start::After(Duration::from_secs(1));
        let power_fails = self.random.chance(0.2);
        self.plan.runs.push(RunPlan {
            start,
            power_fails,
            request,
            client,
            clean: true,
            ..RunPlan::quiet()
        });
    }
}

/// A range of an object of `size` bytes, or beyond its end.
fn range(random: &mut Random, size: u64) -> (i64, i64) {
    let first = random.below(size + size / 20 + 1) as i64;
    match random.below(4) {
        0 => (0, random.below(size + size / 10 + 1) as i64),
        1 => (first, -1),
        _ => (first, first + random.log_range(1..size.max(2) * 2) as i64 - 1),
    }
}
