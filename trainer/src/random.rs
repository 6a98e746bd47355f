//! Streams of random numbers, each a pure function of what it is for.
//!
//! A resumed run must draw what the uninterrupted run would have drawn, so no generator lives longer than one use and none
//! is stored in a checkpoint: a stream is named by the seed, its purpose and up to two indexes.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream of random numbers is for.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Which rows are held out for validation; indexed by repeat.
    Split = 1,
    /// The initial weights; indexed by layer.
    Weights = 2,
    /// The order of the training rows; indexed by epoch.
    Order = 3,
    /// Which activations are dropped; indexed by epoch, batch, and layer and part of the batch.
    Dropout = 4,
    /// A generated problem; indexed by its place in the list of them.
    Generated = 5,
}

/// A stream of random numbers.
#[derive(Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of `seed` for `purpose` at `index`.
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose, index: [u32; 3]) -> Self {
        Self::of_fold(seed, purpose, index, 0)
    }

    /// The stream of one of several folds or repeats. That of the first is the stream of a run that has only one.
    #[must_use]
    pub fn of_fold(seed: u64, purpose: Purpose, index: [u32; 3], fold: u32) -> Self {
        let mut key = [0_u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
        for (place, part) in key[16..28].chunks_exact_mut(4).zip(index) {
            place.copy_from_slice(&part.to_le_bytes());
        }
        key[28..].copy_from_slice(&fold.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number in [0, 1) with the 24 bits that an `f32` holds exactly.
    pub fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    /// A normal number with mean 0 and deviation 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        // The logarithm of 0 is not finite, so the first number is taken from (0, 1].
        let (radius, angle) = (1.0 - f64::from(self.unit()), f64::from(self.unit()));
        (-2.0 * radius.ln()).sqrt() * (2.0 * std::f64::consts::PI * angle).cos()
    }

    /// A number below `bound`, which is at most 2^32.
    fn below(&mut self, bound: usize) -> usize {
        ((u64::from(self.0.next_u32()) * bound as u64) >> 32) as usize
    }

    /// Puts `items` in random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Appends `count` factors: 0 with probability `rate`, otherwise what keeps the expected value.
    pub fn dropout(&mut self, rate: f64, count: usize) -> Vec<f32> {
        let threshold = (rate * f64::from(u32::MAX)) as u32;
        let kept = (1.0 / (1.0 - rate)) as f32;
        let mut bytes = vec![0_u8; count * 4];
        self.0.fill_bytes(&mut bytes);
        bytes
            .chunks_exact(4)
            .map(|word| {
                let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
                if word < threshold { 0.0 } else { kept }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_other_epochs_differ_and_the_same_repeats() {
        let draw = |epoch| {
            let mut order: Vec<u32> = (0..100).collect();
            Stream::new(7, Purpose::Order, [epoch, 0, 0]).shuffle(&mut order);
            order
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let mut sorted = draw(3);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn dropout_keeps_the_expected_value() {
        let factors = Stream::new(1, Purpose::Dropout, [1, 2, 3]).dropout(0.25, 100_000);
        let mean = factors.iter().sum::<f32>() / 100_000.0;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
    }
}
