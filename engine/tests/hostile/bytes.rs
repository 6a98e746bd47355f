//! A string of bytes as a source of choices: what a fuzzer changes in it is one choice, and the rest stays.

/// What is left to choose from. At its end every choice is the first.
pub(crate) struct Bytes<'b>(pub(crate) &'b [u8]);

impl Bytes<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    pub(crate) fn chance(&mut self, percent: u8) -> bool {
        // The end of the bytes takes no chances.
        !self.is_empty() && self.byte() % 100 < percent
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// One of the first, or now and then one of the others, which are mostly refused.
    pub(crate) fn mostly<T: Clone>(&mut self, usual: &[T], wild: &[T]) -> T {
        if self.chance(3) { self.pick(wild) } else { self.pick(usual) }
    }

    pub(crate) fn word(&mut self) -> u64 {
        (0..8).fold(0, |word, _| word << 8 | u64::from(self.byte()))
    }

    /// A number as trials usually report them.
    pub(crate) fn plain(&mut self) -> f64 {
        (f64::from(self.byte()) - 128.0) / 8.0
    }

    /// Any number: the worst of them more often than chance would have it.
    pub(crate) fn number(&mut self) -> f64 {
        const WORST: [f64; 13] = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MAX,
            f64::MIN,
            1e300,
            -1e300,
            f64::MIN_POSITIVE,
            5e-324,
            -5e-324,
            0.0,
            -0.0,
            f64::EPSILON,
        ];
        match self.below(4) {
            0 => self.plain(),
            1 => f64::from_bits(self.word()),
            _ => self.pick(&WORST),
        }
    }

    /// A number that is mostly as trials report them.
    pub(crate) fn mostly_plain(&mut self) -> f64 {
        if self.chance(20) { self.number() } else { self.plain() }
    }
}
