//! Small square matrices, row by row.

/// Matrix times vector.
pub(super) fn times(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    matrix.chunks(vector.len().max(1)).map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect()
}

/// Transposed matrix times vector.
pub(super) fn times_transposed(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; vector.len()];
    for (row, x) in matrix.chunks(vector.len().max(1)).zip(vector) {
        sums.iter_mut().zip(row).for_each(|(sum, a)| *sum += a * x);
    }
    sums
}

/// The most sweeps; the method converges quadratically, and 64 rows need about eight.
const SWEEPS: usize = 30;

/// Eigenvalues and eigenvectors (as columns) of a symmetric matrix of `d` rows, by cyclic Jacobi rotations (Golub and Van
/// Loan, Matrix Computations, 8.5).
pub(super) fn eigen(matrix: &[f64], d: usize) -> (Vec<f64>, Vec<f64>) {
    let mut a = matrix.to_vec();
    let mut basis = vec![0.0; d * d];
    (0..d).for_each(|i| basis[i * d + i] = 1.0);
    let size: f64 = a.iter().map(|x| x * x).sum();
    for _ in 0..SWEEPS {
        let off: f64 = (0..d).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i * d + j] * a[i * d + j]).sum();
        // What is not a number ends it as well.
        if off <= 1e-30 * size || off.is_nan() {
            break;
        }
        for p in 0..d {
            for q in p + 1..d {
                rotate(&mut a, &mut basis, d, p, q);
            }
        }
    }
    ((0..d).map(|i| a[i * d + i]).collect(), basis)
}

/// Turns one off-diagonal pair to zero.
fn rotate(a: &mut [f64], basis: &mut [f64], d: usize, p: usize, q: usize) {
    let off = a[p * d + q];
    if off == 0.0 {
        return;
    }
    let theta = (a[q * d + q] - a[p * d + p]) / (2.0 * off);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    for k in 0..d {
        let (kp, kq) = (a[k * d + p], a[k * d + q]);
        a[k * d + p] = c * kp - s * kq;
        a[k * d + q] = s * kp + c * kq;
    }
    for k in 0..d {
        let (pk, qk) = (a[p * d + k], a[q * d + k]);
        a[p * d + k] = c * pk - s * qk;
        a[q * d + k] = s * pk + c * qk;
    }
    for row in basis.chunks_mut(d) {
        let (kp, kq) = (row[p], row[q]);
        row[p] = c * kp - s * kq;
        row[q] = s * kp + c * kq;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    #[test]
    fn eigen_rebuilds_the_matrix() {
        let d = 12;
        let mut stream = Stream::new(5, Purpose::Parameters, 0);
        let half: Vec<f64> = (0..d * d).map(|_| stream.uniform() - 0.5).collect();
        let mut matrix = vec![0.0; d * d];
        for i in 0..d {
            for j in 0..d {
                matrix[i * d + j] = (0..d).map(|k| half[i * d + k] * half[j * d + k]).sum();
            }
        }
        let (values, basis) = eigen(&matrix, d);
        for (at, value) in values.iter().enumerate() {
            let vector: Vec<f64> = (0..d).map(|i| basis[i * d + at]).collect();
            let image = times(&matrix, &vector);
            assert!(image.iter().zip(&vector).all(|(y, x)| (y - value * x).abs() < 1e-12));
            let length: f64 = vector.iter().map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 1e-12);
        }
        let trace: f64 = (0..d).map(|i| matrix[i * d + i]).sum();
        assert!((values.iter().sum::<f64>() - trace).abs() < 1e-12);
    }

    #[test]
    fn eigen_ends_on_what_is_no_number() {
        let (values, _) = eigen(&[f64::NAN, 1.0, 1.0, f64::INFINITY], 2);
        assert_eq!(values.len(), 2);
        assert_eq!(eigen(&[], 0), (Vec::new(), Vec::new()));
    }
}
