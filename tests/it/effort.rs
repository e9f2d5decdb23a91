//! The number of cases and the seed of randomised tests, and the figures they record.
//!
//! `TEST_EFFORT=long` (as `make test-all` sets it) tries more; `TEST_SEED=n` repeats a run.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// The number of cases to try: `short` in `make test`, `long` in `make test-all`.
pub fn cases(short: u32, long: u32) -> u32 {
    let is_long = std::env::var("TEST_EFFORT").is_ok_and(|effort| effort == "long");
    if is_long { long } else { short }
}

/// Random numbers from a printed seed.
pub struct Chance(u64);

impl Chance {
    /// With the seed `TEST_SEED`, or a fresh one.
    pub fn new() -> Self {
        let seed = std::env::var("TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(0u8));
        println!("TEST_SEED={seed}");
        Chance(seed | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Uniform in 0..1.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in 0..limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// A random element.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// Runs properties over `cases` cases, from a printed seed, and shrinks failing ones.
pub fn runner(cases: u32) -> TestRunner {
    let seed: Vec<u8> = std::iter::repeat_with({
        let mut chance = Chance::new();
        move || chance.next().to_le_bytes()
    })
    .take(4)
    .flatten()
    .collect();
    let config = Config { failure_persistence: None, ..Config::with_cases(cases) };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// Records `text` as the running test's figure; `docs/reliability.md` must show the same.
pub fn figure(text: &str) {
    let thread = std::thread::current();
    let test = thread.name().expect("called on the test's own thread").to_owned();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("figures");
    std::fs::create_dir_all(&directory).expect("a directory for figures");
    std::fs::write(directory.join(test), text).expect("a figure");
}
