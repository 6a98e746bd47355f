//! The margin: whatever the distribution has shrunk to, the neighbours of a whole number, step or ordinal value that the
//! centre stands for stay likely enough to be drawn.
//!
//! After Hamano, Saito, Nomura and Shirakawa, "CMA-ES with margin" (GECCO 2022), section 4, with their lower bound of
//! 1 / (d lambda) on the probability of leaving the value.

use super::gaussian::Gaussian;
use crate::normal::{cdf, quantile};
use crate::space::Domain;

/// Above this many values a number is as good as a continuum.
const MAX_COUNT: u64 = 1 << 40;

/// The edges, in the unit interval, of the share of the value that a coordinate stands for; an edge is absent where there is no
/// neighbour. `None` for a continuum.
fn share(domain: &Domain, x: f64) -> Option<(Option<f64>, Option<f64>)> {
    let count = domain.count().filter(|&count| count <= MAX_COUNT)?;
    let index = domain.index_of(&domain.at_unit(x))?;
    let edge = |index: u64| domain.lower_edge(index);
    Some(((index > 0).then(|| edge(index)), (index + 1 < count).then(|| edge(index + 1))))
}

/// Corrects one coordinate of a distribution; `least` is the least probability of leaving the centre's value.
pub(super) fn correct(gaussian: &mut Gaussian, at: usize, domain: &Domain, least: f64) {
    let Some(&mean) = gaussian.mean.get(at) else { return };
    let mean = mean.clamp(0.0, 1.0);
    gaussian.mean[at] = mean;
    let deviation = gaussian.deviation(at);
    let Some(edges) = share(domain, mean).filter(|_| deviation > 0.0) else { return };
    match edges {
        (None, None) => {}
        (Some(edge), None) | (None, Some(edge)) => {
            // The centre keeps within reach of the only edge.
            let reach = -quantile(least.min(0.5)) * deviation;
            gaussian.mean[at] = edge + (mean - edge).clamp(-reach, reach);
        }
        (Some(low), Some(high)) => {
            let (below, above) = (cdf((low - mean) / deviation), cdf((mean - high) / deviation));
            let half = (least / 2.0).min(0.25);
            if below >= half && above >= half {
                return;
            }
            let inside = (1.0 - below - above).max(0.0);
            let raised = (below.max(half), above.max(half));
            let excess = 1.0 - raised.0 - raised.1 - inside;
            let room = raised.0 + raised.1 + inside - 3.0 * half;
            let fair = |p: f64| (p + excess / room * (p - half)).clamp(half, 0.5 - 1e-9);
            let (low_reach, high_reach) = (-quantile(fair(raised.0)), -quantile(fair(raised.1)));
            let wanted = (high - low) / (low_reach + high_reach);
            gaussian.mean[at] = (low * high_reach + high * low_reach) / (low_reach + high_reach);
            gaussian.widths[at] = (gaussian.widths[at] * wanted / deviation).clamp(1e-12, 1e30);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scale;

    /// The probability that a draw of the coordinate is another value than the centre's, below and above.
    fn leaving(gaussian: &Gaussian, domain: &Domain) -> (f64, f64) {
        let (low, high) = share(domain, gaussian.mean[0]).unwrap();
        let reach = |edge: f64| (edge - gaussian.mean[0]) / gaussian.deviation(0);
        (low.map_or(0.0, |low| cdf(reach(low))), high.map_or(0.0, |high| cdf(-reach(high))))
    }

    #[test]
    fn neighbours_stay_likely_however_small_the_step() {
        let whole = |scale| Domain::Int { min: 1, max: 10, step: None, scale };
        let domains = [whole(Scale::Linear), whole(Scale::Log), Domain::Ordinal { values: vec![1.0, 2.0, 8.0] }];
        for domain in &domains {
            for mean in [0.0, 0.03, 0.31, 0.349, 0.5, 0.72, 0.999, 1.0] {
                for sigma in [1e-9, 1e-6, 1e-3, 0.01, 0.3] {
                    let mut gaussian = Gaussian::new(vec![mean], sigma, false);
                    let before = domain.at_unit(mean);
                    correct(&mut gaussian, 0, domain, 0.1);
                    assert_eq!(domain.at_unit(gaussian.mean[0]), before, "{mean} {sigma}");
                    let (below, above) = leaving(&gaussian, domain);
                    assert!(below + above > 0.1 - 1e-6, "{domain:?} {mean} {sigma}: {below} {above}");
                    let is_inner = share(domain, mean).is_some_and(|(a, b)| a.is_some() && b.is_some());
                    assert!(
                        !is_inner || (below > 0.05 - 1e-6 && above > 0.05 - 1e-6),
                        "{mean} {sigma}: {below} {above}"
                    );
                }
            }
        }
    }

    #[test]
    fn continuum_and_constant_are_left_alone() {
        let float = |max| Domain::Float { min: 0.0, max, step: None, scale: Scale::Linear };
        for domain in [float(1.0), float(0.0)] {
            let mut gaussian = Gaussian::new(vec![0.4], 1e-9, false);
            correct(&mut gaussian, 0, &domain, 0.1);
            assert_eq!((gaussian.mean[0], gaussian.deviation(0)), (0.4, 1e-9));
        }
    }
}
