//! Choices within early stopping: whose sizes, which form, which rules.

/// Whose first rungs Hyperband's brackets have; the rule between rungs is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sizes {
    /// The paper's: `ceil((s_max + 1) / (s + 1) * eta^s)`.
    #[default]
    Paper,
    /// Those of the program `HpBandSter` and its descendants: `floor((s_max + 1) / (s + 1)) * eta^s`.
    Hpbandster,
}

/// Who of a population is replaced, and by a copy of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exploit {
    /// The worst share, by copies of members of the best share.
    Truncation {
        /// The share in a hundred, 1..=50.
        percent: u32,
    },
    /// Whoever is worse than another member that is drawn at random, by a copy of that one.
    Tournament,
}

/// What a rung of asynchronous successive halving does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AshaForm {
    /// A trial pauses at a rung and is promoted once it is among the best of it.
    #[default]
    Promotion,
    /// A trial runs on, and is stopped at the first rung where it is not among the best of those that came before it.
    Stopping,
}

/// What ends a trial early where there is no ladder. Values are compared at the plan's levels, from `warm_up` on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StoppingRule {
    /// Its best value so far is worse than the median of the averages so far of completed trials (Golovin et al., KDD
    /// 2017, section 3.2.1). Of two middle averages the worse one counts.
    Median {
        /// How many trials must have completed.
        trials: u32,
        /// The lowest fidelity at which it judges.
        warm_up: u32,
    },
    /// Its best value so far is not as good as that of the best `percent` of the completed trials at the same level.
    Percentile {
        /// How many in a hundred are good enough, 1..=99.
        percent: u32,
        /// How many trials must have completed.
        trials: u32,
        /// The lowest fidelity at which it judges.
        warm_up: u32,
    },
    /// Its best value has not become better by more than `delta` over `fidelity` units.
    Patience {
        /// Units without improvement that are borne.
        fidelity: u32,
        /// How much better is an improvement, at least 0.
        delta: f64,
        /// The lowest fidelity at which it judges.
        warm_up: u32,
    },
    /// Its value is worse than a bound.
    Threshold {
        /// The worst value that is borne, in the metric's own direction.
        value: f64,
        /// The lowest fidelity at which it judges.
        warm_up: u32,
    },
}
