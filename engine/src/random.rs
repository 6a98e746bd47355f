//! Random streams that belong to (seed, purpose, index), so that no draw depends on how many others were made.
//!
//! The generator is ChaCha with 8 rounds, and the numbers are made from its words by the arithmetic in this file: an
//! update of a library cannot change what a seed gives.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// What a stream is for. The numbers are fixed for ever: a new purpose gets a new number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The parameters of the trial whose number is the index.
    Parameters = 1,
    /// The seed that is handed to the training of the trial whose number is the index.
    TrialSeed = 2,
    /// Where an evolution strategy begins again, by the count of restarts.
    Restart = 20,
    /// BOHB's proposal for the trial whose number is the index.
    Bohb = 30,
    /// The coins that scramble a coordinate of the quasi-random sequence: the index is the scramble and the dimension.
    Scramble = 3,
    /// The last digits of a quasi-random point: the index is the scramble and the trial's number.
    QuasiRandom = 4,
    /// What differential evolution draws for the trial whose number is the index.
    Evolution = 50,
    /// Where in the unit cube a trial is that differential evolution did not make; the index is its number.
    Vector = 51,
    /// The design of a study's first trials; the index is the hypercube's.
    FirstTrials = 40,
    /// Which trials a bounded model is of; the index is the trial's number.
    Subset = 41,
    /// What a model draws to propose the trial whose number is the index.
    Search = 42,
    /// How the configuration of a copy differs from its donor's; the index is the copy's number.
    Explore = 60,
    /// Whom the trial whose number is the index is a copy of.
    Donor = 61,
    /// Whom a member of a population meets; the index is the level and its number.
    Rival = 62,
    /// Whether the trial whose number is the index is never stopped for its rank.
    Audit = 70,
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of this study's seed, for this purpose, at this index.
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut key = [0_u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
        key[16..24].copy_from_slice(&index.to_le_bytes());
        key[24..].copy_from_slice(b"trimtab1");
        Self(ChaCha8Rng::from_seed(key))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `0..1`: one of the 2^53 multiples of 2^-53.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn uniform(&mut self) -> f64 {
        const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.bits() >> 11) as f64 * UNIT
    }

    /// Uniform in `0..bound`, every value equally likely; 0 when the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // The words below 2^64 mod bound are drawn again: what is left is a whole multiple of the bound.
        let surplus = bound.wrapping_neg() % bound;
        loop {
            let word = self.bits();
            if word >= surplus {
                return word % bound;
            }
        }
    }
}

/// The seed that is handed to a trial's training.
#[must_use]
pub fn trial_seed(seed: u64, number: u32) -> u64 {
    Stream::new(seed, Purpose::TrialSeed, u64::from(number)).bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_purpose_and_index() {
        let firsts = [
            Stream::new(1, Purpose::Parameters, 0).bits(),
            Stream::new(2, Purpose::Parameters, 0).bits(),
            Stream::new(1, Purpose::TrialSeed, 0).bits(),
            Stream::new(1, Purpose::Parameters, 1).bits(),
        ];
        for (i, a) in firsts.iter().enumerate() {
            assert!(firsts[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn stream_gives_the_same_words_for_ever() {
        let mut stream = Stream::new(7, Purpose::Parameters, 3);
        assert_eq!([stream.bits(), stream.bits()], GOLDEN);
    }

    const GOLDEN: [u64; 2] = [15_589_581_460_683_283_513, 16_003_746_683_080_529_017];

    #[test]
    fn below_is_uniform_and_in_range() {
        let mut stream = Stream::new(1, Purpose::Parameters, 0);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[usize::try_from(stream.below(7)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|&n| (9_600..10_400).contains(&n)), "{counts:?}");
        assert_eq!(stream.below(0), 0);
        assert_eq!(stream.below(1), 0);
        assert!((0..100).all(|_| stream.below(u64::MAX) < u64::MAX));
    }

    #[test]
    fn uniform_has_mean_half_and_stays_below_one() {
        let mut stream = Stream::new(5, Purpose::Parameters, 9);
        let draws: Vec<f64> = (0..10_000).map(|_| stream.uniform()).collect();
        assert!(draws.iter().all(|x| (0.0..1.0).contains(x)));
        assert!((draws.iter().sum::<f64>() / 10_000.0 - 0.5).abs() < 0.01);
    }
}
