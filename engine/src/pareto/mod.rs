//! Several objectives: who is better than whom, in which order all stand, and how much of the space they cover.

mod boxes;
mod hypervolume;
mod order;
mod subset;

pub use boxes::{Cell, undominated};
pub use hypervolume::hypervolume;
pub use order::{order, ranks};
pub use subset::subset;

/// The most objectives of a study.
pub const MAX_OBJECTIVES: usize = 4;

/// The values of a study's objectives in their order, smaller being better; 0 in the places beyond the last.
pub type Vector = [f64; MAX_OBJECTIVES];

/// What a trial is worth: all its values are finite.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// The objectives' values.
    pub vector: Vector,
    /// By how much it breaks the bounds on reported metrics; 0 when it keeps them, infinite when a bounded metric is no number.
    pub violation: f64,
}

impl Point {
    /// Whether this is better by the constrained domination of Deb, Pratap, Agarwal and Meyarivan (IEEE Transactions on
    /// Evolutionary Computation 6(2), 2002, definition 1): who breaks the bounds less is; among equals of these, who is as
    /// good in every objective and better in one.
    #[must_use]
    pub fn dominates(&self, other: &Self) -> bool {
        match self.violation.total_cmp(&other.violation) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Greater => false,
            std::cmp::Ordering::Equal => {
                let pairs = || self.vector.iter().zip(&other.vector);
                pairs().all(|(a, b)| a <= b) && pairs().any(|(a, b)| a < b)
            }
        }
    }
}

#[cfg(test)]
mod tests;
