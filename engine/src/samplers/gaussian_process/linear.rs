//! Lower triangular matrices, by rows.
//!
//! Written by hand: what a Gaussian process needs of linear algebra is Cholesky's factorization, two triangular solves and
//! an inverse, a page in all; the crates that have them choose their instructions by the machine (and fuse products and
//! sums where it can), so that their last digits, and with them a study's proposals, would differ between machines.

/// A lower triangular matrix: row i has i + 1 numbers, one row behind the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lower {
    rows: usize,
    numbers: Vec<f64>,
}

/// The sum of products, in eight sums side by side: the order of additions is part of the result.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y;
        }
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
    ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)) + rest
}

impl Lower {
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn row(&self, at: usize) -> &[f64] {
        let from = at * (at + 1) / 2;
        self.numbers.get(from..=from + at).unwrap_or(&[])
    }

    /// Appends a row; it has one number more than the row before.
    pub(super) fn push(&mut self, row: &[f64]) {
        self.numbers.extend_from_slice(row);
        self.rows += 1;
    }

    /// Extends this factor of a symmetric matrix by the matrix's next row, up to the diagonal; refused when the matrix is
    /// not positive definite in doubles.
    pub(super) fn extend_factor(&mut self, row: &[f64]) -> Result<(), NotPositive> {
        let (diagonal, before) = row.split_last().ok_or(NotPositive)?;
        let mut own = self.solve(before);
        let pivot = diagonal - dot(&own, &own);
        if pivot.is_nan() || pivot <= diagonal * 1e-14 {
            return Err(NotPositive);
        }
        own.push(pivot.sqrt());
        self.push(&own);
        Ok(())
    }

    /// Cholesky's factor of a symmetric positive definite matrix, given by its lower triangle.
    pub(super) fn factor(matrix: &Self) -> Result<Self, NotPositive> {
        let mut factor = Self { rows: 0, numbers: Vec::with_capacity(matrix.numbers.len()) };
        (0..matrix.rows).try_for_each(|at| factor.extend_factor(matrix.row(at)))?;
        Ok(factor)
    }

    /// Solves `self * x = right`.
    pub(super) fn solve(&self, right: &[f64]) -> Vec<f64> {
        self.solve_from(0, right)
    }

    /// Solves `self * x = right`, where `right` is given from this row on and is zero before; so is `x`.
    fn solve_from(&self, from: usize, right: &[f64]) -> Vec<f64> {
        let mut solution: Vec<f64> = Vec::with_capacity(right.len() + 1);
        for (at, value) in right.iter().enumerate() {
            let row = self.row(from + at);
            let (head, diagonal) = (row.get(from..from + at).unwrap_or(&[]), row.last().copied().unwrap_or(1.0));
            let known = dot(head, &solution);
            solution.push((value - known) / diagonal);
        }
        solution
    }

    /// Solves `transpose(self) * x = right`.
    pub(super) fn solve_transposed(&self, right: &[f64]) -> Vec<f64> {
        let mut rest = right.to_vec();
        for at in (0..rest.len()).rev() {
            let row = self.row(at);
            let (Some((diagonal, head)), (before, [own, ..])) = (row.split_last(), rest.split_at_mut(at)) else {
                break;
            };
            *own /= diagonal;
            for (value, entry) in before.iter_mut().zip(head) {
                *value -= *own * entry;
            }
        }
        rest
    }

    /// The inverse of the matrix that this is the factor of: its lower triangle.
    pub(super) fn inverse_of_product(&self) -> Self {
        // Column i of the factor's inverse, from its diagonal on.
        let columns: Vec<Vec<f64>> = (0..self.rows)
            .map(|at| {
                let mut unit = vec![0.0; self.rows - at];
                if let Some(first) = unit.first_mut() {
                    *first = 1.0;
                }
                self.solve_from(at, &unit)
            })
            .collect();
        let mut inverse = Self { rows: self.rows, numbers: Vec::with_capacity(self.numbers.len()) };
        for (i, own) in columns.iter().enumerate() {
            let products =
                columns.iter().take(i + 1).enumerate().map(|(j, other)| dot(own, other.get(i - j..).unwrap_or(&[])));
            inverse.numbers.extend(products);
        }
        inverse
    }

    /// The logarithm of the determinant.
    pub(super) fn log_determinant(&self) -> f64 {
        (0..self.rows).filter_map(|at| self.row(at).last()).map(|&x| libm::log(x)).sum()
    }
}

/// The matrix is not positive definite, as far as doubles can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotPositive;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    /// A random positive definite matrix: its lower triangle.
    fn matrix(rows: usize) -> Lower {
        let mut stream = Stream::new(3, Purpose::Parameters, rows as u64);
        let root: Vec<Vec<f64>> = (0..rows).map(|_| (0..rows).map(|_| stream.uniform() - 0.5).collect()).collect();
        let mut lower = Lower::default();
        for i in 0..rows {
            let row: Vec<f64> = (0..=i).map(|j| dot(&root[i], &root[j]) + if i == j { 0.1 } else { 0.0 }).collect();
            lower.push(&row);
        }
        lower
    }

    fn entry(lower: &Lower, i: usize, j: usize) -> f64 {
        lower.row(i.max(j))[i.min(j)]
    }

    #[test]
    fn factor_times_its_transpose_is_the_matrix_and_the_inverse_inverts() {
        for rows in [1, 2, 7, 8, 9, 40] {
            let matrix = matrix(rows);
            let factor = Lower::factor(&matrix).unwrap();
            let inverse = factor.inverse_of_product();
            let right: Vec<f64> = (0..rows).map(|i| i as f64 - 3.5).collect();
            let solution = factor.solve_transposed(&factor.solve(&right));
            for (i, target) in right.iter().enumerate() {
                let row = |of: &Lower| (0..rows).map(|j| entry(of, i, j)).collect::<Vec<f64>>();
                assert!((dot(&row(&matrix), &solution) - target).abs() < 1e-9);
                for j in 0..=i {
                    let shared = j + 1;
                    assert!((dot(&factor.row(i)[..shared], factor.row(j)) - entry(&matrix, i, j)).abs() < 1e-12);
                    let column: Vec<f64> = (0..rows).map(|k| entry(&inverse, k, j)).collect();
                    let expected = if i == j { 1.0 } else { 0.0 };
                    assert!((dot(&row(&matrix), &column) - expected).abs() < 1e-9, "{rows} {i} {j}");
                }
            }
        }
    }

    #[test]
    fn factor_refuses_what_is_not_positive_definite() {
        let mut singular = Lower::default();
        singular.push(&[1.0]);
        singular.push(&[1.0, 1.0]);
        assert_eq!(Lower::factor(&singular), Err(NotPositive));
        let mut broken = Lower::default();
        broken.push(&[f64::NAN]);
        assert_eq!(Lower::factor(&broken), Err(NotPositive));
    }
}
