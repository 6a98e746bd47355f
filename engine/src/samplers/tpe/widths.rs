//! How wide the kernels of an axis are.

/// The standard deviations of kernels at these coordinates of `0..=1`: the distance to the farther neighbour in sorted
/// order, at the ends to the only one, within `1 / min(100, n + 2)` and 1 (Bergstra et al. 2011; Optuna's narrowest width).
///
/// Nothing is sorted: neighbours nearer than the narrowest width do not matter, so in bins of that width only the first
/// and the last are looked at.
pub(super) fn widths(at: &[f64]) -> Vec<f64> {
    let bins = (at.len() + 2).min(100);
    let narrowest = 1.0 / bins as f64;
    if let [only] = at {
        return vec![only.max(1.0 - only).max(narrowest)];
    }
    let mut found = vec![narrowest; at.len()];
    let mut ends: Vec<Option<Bin>> = vec![None; bins];
    for (i, &x) in at.iter().enumerate() {
        let Some(bin) = ends.get_mut(((x * bins as f64) as usize).min(bins - 1)) else { continue };
        match bin {
            None => *bin = Some(Bin { first: (x, i), last: (x, i) }),
            Some(bin) => {
                // Of equal ones the first has a neighbour below and the last a neighbour above.
                if x < bin.first.0 {
                    bin.first = (x, i);
                }
                if x >= bin.last.0 {
                    bin.last = (x, i);
                }
            }
        }
    }
    let mut before: Option<(f64, usize)> = None;
    for bin in ends.into_iter().flatten() {
        if let Some((x, i)) = before {
            let gap = bin.first.0 - x;
            for i in [i, bin.first.1] {
                if let Some(width) = found.get_mut(i) {
                    *width = width.max(gap);
                }
            }
        }
        before = Some(bin.last);
    }
    found
}

/// The lowest and the highest coordinate in a bin, with their places in the list.
#[derive(Clone, Copy)]
struct Bin {
    first: (f64, usize),
    last: (f64, usize),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, by sorting.
    fn sorted(at: &[f64]) -> Vec<f64> {
        let mut order: Vec<usize> = (0..at.len()).collect();
        order.sort_by(|&a, &b| at[a].total_cmp(&at[b]).then(a.cmp(&b)));
        let mut found = vec![0.0; at.len()];
        for (place, &i) in order.iter().enumerate() {
            let below = place.checked_sub(1).map(|p| at[i] - at[order[p]]);
            let above = order.get(place + 1).map(|&j| at[j] - at[i]);
            found[i] = below.into_iter().chain(above).fold(1.0 / (at.len() + 2).min(100) as f64, f64::max);
        }
        found
    }

    proptest! {
        #[test]
        fn widths_are_those_of_the_definition(
            at in prop::collection::vec(prop_oneof![0.0..=1.0, Just(0.25), Just(1.0), (0..9_u32).prop_map(|k| f64::from(k) / 8.0)], 2..300),
        ) {
            for (a, b) in widths(&at).into_iter().zip(sorted(&at)) {
                prop_assert!((a - b).abs() < 1e-12, "{a} {b}");
            }
        }
    }

    #[test]
    fn one_or_none_has_a_width() {
        assert_eq!(widths(&[0.2]), [0.8]);
        assert_eq!(widths(&[]), Vec::<f64>::new());
    }

    #[test]
    fn widths_are_golden() {
        // Optuna 5.0.0 on 0..1, and on the integers 1..8, whose range with half a step at each end is 8.
        let close = |found: Vec<f64>, expected: &[f64]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
        };
        close(widths(&[0.1, 0.4, 0.45, 0.9]), &[0.3, 0.3, 0.45, 0.45]);
        close(widths(&[1.5 / 8.0, 1.5 / 8.0, 6.5 / 8.0]), &[1.6 / 8.0, 5.0 / 8.0, 5.0 / 8.0]);
    }
}
