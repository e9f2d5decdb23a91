//! Random numbers that follow from a seed.

use std::ops::Range;
use std::time::Duration;

/// A generator (xoshiro256++). The same seed and the same calls give the same numbers.
#[derive(Clone, Debug)]
pub struct Random {
    seed: u64,
    state: [u64; 4],
}

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut mixed = seed;
        let state = [(); 4].map(|()| {
            mixed = mixed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            mix(mixed)
        });
        Random { seed, state }
    }

    /// A generator of its own for one purpose. It depends on the seed and `stream` only and not on the numbers drawn
    /// so far, so that a change in one purpose leaves the numbers of the others.
    pub fn fork(&self, stream: u64) -> Self {
        Random::new(mix(self.seed ^ mix(stream.wrapping_add(0xD1B5_4A32_D192_ED03))))
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let number = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        number
    }

    /// Uniform in 0..1.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with the probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.fraction() < p
    }

    /// Uniform in 0..`n`; 0 if `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// Uniform in the range; its start if it is empty.
    pub fn range(&mut self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end.saturating_sub(range.start))
    }

    /// In the range, each order of magnitude as likely as another; its start if it is empty. 0 counts as 1.
    pub fn log_range(&mut self, range: Range<u64>) -> u64 {
        let (low, high) = (range.start.max(1) as f64, range.end.max(1) as f64);
        let drawn = (low.ln() + self.fraction() * (high.ln() - low.ln())).exp() as u64;
        drawn.clamp(range.start, range.end.saturating_sub(1).max(range.start))
    }

    /// Uniform in the range.
    pub fn duration(&mut self, range: Range<Duration>) -> Duration {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.range(nanos(range.start)..nanos(range.end)))
    }

    /// One of `items`, which must not be empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }
}

/// A permutation of the numbers in which every bit of the input changes half of the output's.
pub fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_again_and_a_fork_others() {
        let draw = |mut random: Random| [(); 8].map(|()| random.next());
        assert_eq!(draw(Random::new(7)), draw(Random::new(7)));
        assert_ne!(draw(Random::new(7)), draw(Random::new(8)));
        let mut parent = Random::new(7);
        let fork = draw(parent.fork(1));
        parent.next();
        assert_eq!(draw(parent.fork(1)), fork);
        assert_ne!(draw(parent.fork(2)), fork);
    }

    #[test]
    fn numbers_are_in_their_range_and_reach_its_ends() {
        let mut random = Random::new(1);
        let drawn: Vec<u64> = (0..1000).map(|_| random.range(3..7)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&3), Some(&6)));
        assert_eq!(random.range(5..5), 5);
        assert!((0..1000).all(|_| (10..1000).contains(&random.log_range(10..1000))));
        assert!((0..1000).all(|_| !random.chance(0.0) && random.chance(1.0)));
        let heads = (0..10_000).filter(|_| random.chance(0.25)).count();
        assert!((2_000..3_000).contains(&heads), "{heads}");
    }
}
