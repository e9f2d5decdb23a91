use super::*;
use proptest::prelude::*;

const MB: f64 = 1e6;
const STEP: Duration = Duration::from_millis(25);

/// A path, and the connections over it.
struct Path {
    auto: AutoConcurrency,
    now: Instant,
    link: f64,
    each: f64,
    /// Every so many connections is ten times slower; 0: none.
    slow_every: usize,
    first_byte: Duration,
    /// A connection reaches its rate in this time.
    ramp: Duration,
    /// Rates vary by this part, differently in each step.
    noise: f64,
    /// Bytes of a connection arrive at this interval, in milliseconds.
    burst: u64,
    /// Bytes of each slot that arrive next.
    coming: Vec<f64>,
    random: u64,
    usable: u32,
    /// Connections in use, with their starts and their slots.
    open: Vec<(Instant, usize)>,
    opened: usize,
    meters: Vec<Meter>,
    /// The number at each step.
    numbers: Vec<u32>,
}

impl Path {
    fn new(link: f64, each: f64) -> Self {
        let now = Instant::now();
        let most = 64;
        Path {
            auto: AutoConcurrency::new(most, now),
            now,
            link: link * MB,
            each: each * MB,
            slow_every: 0,
            first_byte: Duration::from_millis(120),
            ramp: Duration::ZERO,
            noise: 0.0,
            burst: 25,
            coming: vec![0.0; 64],
            random: 1,
            usable: most,
            open: Vec::new(),
            opened: 0,
            meters: vec![Meter::default(); 64],
            numbers: Vec::new(),
        }
    }

    fn chance(&mut self) -> f64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.random >> 40) as f64 / f64::from(1 << 24)
    }

    fn rate(&self, start: Instant, number: usize) -> f64 {
        let age = self.now.saturating_duration_since(start + self.first_byte);
        let ramped = (age.as_secs_f64() / self.ramp.as_secs_f64().max(1e-3)).clamp(0.01, 1.0);
        let is_slow = self.slow_every > 0 && number % self.slow_every == self.slow_every - 1;
        self.each * ramped * if is_slow { 0.1 } else { 1.0 }
    }

    /// Opens and closes connections as the number says.
    fn follow(&mut self) {
        let number = self.auto.number().min(self.usable) as usize;
        self.open.truncate(number);
        while self.open.len() < number {
            let used: Vec<usize> = self.open.iter().map(|(_, slot)| slot % 64).collect();
            let slot = (0..64).find(|slot| !used.contains(slot)).expect("a free slot");
            // Which connection it is decides whether it is slow.
            self.open.push((self.now, slot + 64 * self.opened));
            self.opened += 1;
        }
    }

    fn step(&mut self) {
        self.follow();
        self.now += STEP;
        let flowing: Vec<(f64, usize)> = self
            .open
            .iter()
            .filter(|(start, _)| self.now.duration_since(*start) > self.first_byte)
            .map(|(start, id)| (self.rate(*start, id / 64), id % 64))
            .collect();
        let demand: f64 = flowing.iter().map(|(rate, _)| rate).sum();
        let scale = (self.link / demand.max(1.0)).min(1.0);
        for (rate, slot) in &flowing {
            let noise = 1.0 + self.noise * (2.0 * self.chance() - 1.0);
            self.coming[*slot] += rate * scale * noise * STEP.as_secs_f64();
            let at = self.numbers.len() as u64 * 25 + *slot as u64 * 17;
            if at / self.burst != (at + 25) / self.burst {
                self.meters[*slot].bytes += std::mem::take(&mut self.coming[*slot]) as u64;
            }
            self.meters[*slot].flowing += STEP;
        }
        let meters = self.meters.clone();
        let sample = Sample {
            meters: &meters,
            flowing: flowing.len() as u32,
            usable: self.usable,
            first_byte: self.first_byte,
            ends: false,
        };
        self.auto.observe(&sample, self.now);
        self.numbers.push(self.auto.number());
    }

    fn run(&mut self, seconds: u64) -> &mut Self {
        for _ in 0..seconds * 40 {
            self.step();
        }
        self
    }

    /// The lowest and the highest number since a second.
    fn range_since(&self, second: usize) -> (u32, u32) {
        let since = &self.numbers[second * 40..];
        (*since.iter().min().expect("some"), *since.iter().max().expect("some"))
    }
}

#[test]
fn a_path_is_filled_within_five_seconds_and_never_overfilled_by_half() {
    for (each, best) in [(2.0, 50), (10.0, 10), (20.0, 5), (50.0, 2), (100.0, 1)] {
        for (first_byte, burst) in [(30, 25), (120, 25), (600, 25), (30, 40), (120, 40), (600, 40)]
        {
            let mut path = Path::new(100.0, each);
            (path.first_byte, path.burst) = (Duration::from_millis(first_byte), burst);
            path.run(60);
            let (least, most) = path.range_since(5);
            let case = format!("{each} MB/s each, first byte after {first_byte} ms, {burst}");
            assert!(least + best / 12 >= best, "{case}: {least}–{most}");
            assert!(most <= best + (best / 6).max(1) + 1, "{case}: {least}–{most}");
            let highest = path.range_since(0).1;
            assert!(highest <= (best * 3).div_ceil(2), "{case}: up to {highest}");
        }
    }
}

#[test]
fn tries_become_rare_and_are_taken_back() {
    let mut path = Path::new(100.0, 20.0);
    path.run(300);
    let tried = path.numbers[200..].windows(2).filter(|pair| pair[1] > pair[0]).count();
    assert!((3..=6).contains(&tried), "{tried} tries in five minutes");
    assert_eq!(path.range_since(5), (5, 6));
}

#[test]
fn slow_new_connections_do_not_mean_that_the_path_is_full() {
    let mut path = Path::new(100.0, 20.0);
    path.slow_every = 3;
    path.run(20);
    assert!(path.range_since(5).0 >= 6, "{:?}", path.range_since(5));
}

#[test]
fn connections_that_become_fast_slowly_are_waited_for() {
    for (first_byte, ramp) in [(120, 400), (120, 1200), (600, 1600)] {
        let mut path = Path::new(100.0, 20.0);
        path.first_byte = Duration::from_millis(first_byte);
        path.ramp = Duration::from_millis(ramp);
        path.run(60);
        let (least, most) = path.range_since(25);
        assert!(least >= 5 && most <= 7, "{first_byte} ms, {ramp} ms: {least}–{most}");
    }
}

#[test]
fn a_path_that_becomes_narrower_loses_connections_and_one_that_becomes_wider_gets_more() {
    let mut path = Path::new(100.0, 20.0);
    path.run(20);
    path.link = 40.0 * MB;
    path.run(30);
    let (_, most) = path.range_since(45);
    assert!(most <= 3, "{most} for two");
    path.link = 400.0 * MB;
    path.run(100);
    let (least, _) = path.range_since(145);
    assert!(least >= 18, "{least} for twenty");
}

#[test]
fn a_throttling_service_gets_no_more_connections_than_it_accepted() {
    let mut path = Path::new(1000.0, 20.0);
    while path.auto.number() < 9 {
        path.step();
    }
    path.auto.throttled(6, path.now);
    assert_eq!(path.auto.number(), 6);
    let at = path.numbers.len();
    path.run(25);
    assert!(path.numbers[at..].iter().all(|number| *number == 6));
    path.run(30);
    assert!(path.auto.number() > 6, "later it is tried again");
}

#[test]
fn a_refusal_while_nothing_comes_says_nothing_about_the_number() {
    let mut path = Path::new(1000.0, 20.0);
    path.auto.throttled(0, path.now);
    path.run(5);
    assert!(path.auto.number() > 20);
}

#[test]
fn no_connection_is_added_while_the_service_delays_its_replies() {
    let mut path = Path::new(1000.0, 20.0);
    while path.auto.number() < 4 {
        path.step();
    }
    for _ in 0..30 {
        path.auto.slowed(path.now);
        path.run(1);
        assert!(path.auto.number() <= 4);
    }
    path.run(20);
    assert!(path.auto.number() > 4);
}

#[test]
fn a_client_that_gives_fewer_connections_is_waited_for() {
    let mut path = Path::new(100.0, 20.0);
    path.usable = 2;
    path.run(30);
    assert_eq!(path.auto.number(), 3, "it asks for one more than it gets");
    path.usable = 64;
    path.run(5);
    assert_eq!(path.auto.number(), 5);
}

#[test]
fn nothing_is_tried_when_nothing_is_left_to_fetch() {
    let mut path = Path::new(100.0, 20.0);
    path.run(9);
    let meters = path.meters.clone();
    for _ in 0..4000 {
        path.now += STEP;
        let first_byte = path.first_byte;
        let sample = Sample { meters: &meters, flowing: 3, usable: 64, first_byte, ends: true };
        path.auto.observe(&sample, path.now);
        assert_eq!(path.auto.number(), 5);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn noise_leads_neither_far_off_nor_to_and_fro(
        best in 1u32..=40, noise in 0.0f64..0.3, first_byte in 10u64..700, random in any::<u64>(),
    ) {
        let mut path = Path::new(100.0, 100.0 / f64::from(best));
        (path.noise, path.random) = (noise, random);
        path.first_byte = Duration::from_millis(first_byte);
        path.run(120);
        let settled = &path.numbers[400..];
        let mean = settled.iter().map(|n| f64::from(*n)).sum::<f64>() / settled.len() as f64;
        prop_assert!(mean >= 0.8 * f64::from(best), "{mean} instead of {best}");
        prop_assert!(mean <= 1.35 * f64::from(best) + 1.0, "{mean} instead of {best}");
        let changes = settled.windows(2).filter(|pair| pair[0] != pair[1]).count();
        prop_assert!(changes <= 40, "{changes} changes");
    }

    #[test]
    fn the_number_is_between_one_and_the_most_whatever_happens(
        most in 0u32..70,
        steps in proptest::collection::vec(
            (0u64..3000, 0u32..70, 0u32..70, 0u64..1 << 40, any::<bool>(), 0u8..20), 1..200,
        ),
    ) {
        let mut now = Instant::now();
        let mut auto = AutoConcurrency::new(most, now);
        let mut meters = vec![Meter::default(); 70];
        for (millis, flowing, usable, bytes, ends, kind) in steps {
            now += Duration::from_millis(millis);
            for meter in meters.iter_mut().take(flowing as usize) {
                meter.bytes += bytes;
                meter.flowing += Duration::from_millis(millis / 2);
            }
            match kind {
                0 => auto.throttled(flowing, now),
                1 => auto.slowed(now),
                2 => auto.measure_anew(now),
                _ => {}
            }
            let first_byte = Duration::from_millis(bytes % 1000);
            let sample = Sample { meters: &meters, flowing, usable, first_byte, ends };
            auto.observe(&sample, now);
            prop_assert!((1..=most.max(1)).contains(&auto.number()));
            prop_assert!(auto.longest_request(0.0, 7).is_none_or(|longest| longest >= 7));
        }
    }
}
