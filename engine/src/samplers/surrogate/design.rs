//! The first trials of a study that has no evidence yet: Latin hypercubes.
//!
//! Trial k is place `k % rows` of hypercube `k / rows`: it depends on the seed and k alone, so that parallel asks spread
//! without knowing of one another.

use super::{Candidate, Encoding, first_new};
use crate::plan::Plan;
use crate::random::{Purpose, Stream};
use crate::space::Assignment;
use crate::state::State;

/// The configuration of this number in hypercubes of so many rows; `None` when it exists already.
pub(in crate::samplers) fn first_trials(
    plan: &Plan,
    state: &State<'_>,
    encoding: &Encoding<'_>,
    number: u32,
    rows: u32,
) -> Option<Assignment> {
    let rows = rows.max(1);
    let (cube, row) = (number / rows, number % rows);
    let mut stream = Stream::new(plan.spec().seed, Purpose::FirstTrials, u64::from(cube));
    let mut point: Vec<f64> = encoding.axes.iter().map(|_| place(row, rows, &mut stream)).collect();
    encoding.settle(&mut point);
    first_new(plan, state, &[Candidate { merit: 0.0, point }], &[])
}

/// A row's place on an axis: one of `rows` equal shares, each taken by one row, and anywhere in it.
fn place(row: u32, rows: u32, stream: &mut Stream) -> f64 {
    let mut shares: Vec<u32> = (0..rows).collect();
    let mut within = 0.5;
    for at in 0..rows {
        let other = at + u32::try_from(stream.below(u64::from(rows - at))).unwrap_or(0);
        shares.swap(at as usize, other as usize);
        let dice = stream.uniform();
        if at == row {
            within = dice;
        }
    }
    let share = shares.get(row as usize).copied().unwrap_or(0);
    (f64::from(share) + within) / f64::from(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_share_is_taken_once() {
        for rows in [1, 4, 10] {
            let mut taken = vec![0; rows as usize];
            for row in 0..rows {
                let place = place(row, rows, &mut Stream::new(5, Purpose::FirstTrials, 2));
                taken[(place * f64::from(rows)) as usize] += 1;
            }
            assert!(taken.iter().all(|&count| count == 1), "{taken:?}");
        }
    }
}
