//! The initial weights, drawn from streams that belong to their layer.

use super::activation::Activation;
use crate::random::Stream;

/// How the weights of a layer are drawn. Biases are zero, but where said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initialization {
    /// He's uniform where the activation cuts off half, Glorot's uniform elsewhere.
    Auto,
    /// Uniform within the root of 6 / inputs (He et al. 2015).
    HeUniform,
    /// Normal with variance 2 / inputs (He et al. 2015).
    HeNormal,
    /// Uniform within the root of 6 / (inputs + outputs) (Glorot and Bengio 2010).
    GlorotUniform,
    /// Normal with variance 2 / (inputs + outputs) (Glorot and Bengio 2010).
    GlorotNormal,
    /// Uniform within the root of 3 / inputs (LeCun et al. 1998).
    LecunUniform,
    /// Normal with variance 1 / inputs (LeCun et al. 1998).
    LecunNormal,
    /// Uniform within the root of 1 / inputs, biases too: what PyTorch's layers begin with.
    Torch,
    /// Orthonormal rows or columns, whichever are fewer (Saxe et al. 2014).
    Orthogonal,
    /// All zero: only a network without hidden layers can learn from it.
    Zeros,
}

impl Initialization {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 10] = [
        ("auto", Self::Auto),
        ("he-uniform", Self::HeUniform),
        ("he-normal", Self::HeNormal),
        ("glorot-uniform", Self::GlorotUniform),
        ("glorot-normal", Self::GlorotNormal),
        ("lecun-uniform", Self::LecunUniform),
        ("lecun-normal", Self::LecunNormal),
        ("torch", Self::Torch),
        ("orthogonal", Self::Orthogonal),
        ("zeros", Self::Zeros),
    ];

    /// Draws `rows` x `columns` weights of a layer that sums `inputs` numbers into each of its outputs, of which each input
    /// reaches `outputs`.
    #[must_use]
    pub fn weights(
        self,
        [rows, columns]: [usize; 2],
        [inputs, outputs]: [usize; 2],
        activation: Activation,
        stream: &mut Stream,
    ) -> Vec<f32> {
        let (inputs, both) = (inputs as f64, (inputs + outputs) as f64);
        let count = rows * columns;
        let mut uniform = |bound: f64| {
            let bound = bound as f32;
            (0..count).map(|_| (stream.unit() * 2.0 - 1.0) * bound).collect::<Vec<f32>>()
        };
        match self {
            Self::Auto if activation.halves() => uniform((6.0 / inputs).sqrt()),
            Self::Auto | Self::GlorotUniform => uniform((6.0 / both).sqrt()),
            Self::HeUniform => uniform((6.0 / inputs).sqrt()),
            Self::LecunUniform => uniform((3.0 / inputs).sqrt()),
            Self::Torch => uniform((1.0 / inputs).sqrt()),
            Self::HeNormal => normal(stream, count, (2.0 / inputs).sqrt()),
            Self::GlorotNormal => normal(stream, count, (2.0 / both).sqrt()),
            Self::LecunNormal => normal(stream, count, (1.0 / inputs).sqrt()),
            Self::Orthogonal => orthogonal(stream, rows, columns),
            Self::Zeros => vec![0.0; count],
        }
    }

    /// Draws the biases.
    #[must_use]
    pub fn biases(self, inputs: usize, count: usize, stream: &mut Stream) -> Vec<f32> {
        let bound = if self == Self::Torch { (1.0 / inputs as f64).sqrt() as f32 } else { 0.0 };
        if bound == 0.0 {
            return vec![0.0; count];
        }
        (0..count).map(|_| (stream.unit() * 2.0 - 1.0) * bound).collect()
    }
}

fn normal(stream: &mut Stream, count: usize, deviation: f64) -> Vec<f32> {
    (0..count).map(|_| (stream.normal() * deviation) as f32).collect()
}

/// Normal vectors made orthonormal one after the other, twice each against rounding (Gram and Schmidt).
fn orthogonal(stream: &mut Stream, rows: usize, columns: usize) -> Vec<f32> {
    let (few, long) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(few);
    while vectors.len() < few {
        let mut vector: Vec<f64> = (0..long).map(|_| stream.normal()).collect();
        for _ in 0..2 {
            for other in &vectors {
                let along: f64 = vector.iter().zip(other).map(|(left, right)| left * right).sum();
                vector.iter_mut().zip(other).for_each(|(value, other)| *value -= along * other);
            }
        }
        let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
        // A vector that lies in the others' span has no direction left; another is drawn.
        if length > 1e-6 {
            vector.iter_mut().for_each(|value| *value /= length);
            vectors.push(vector);
        }
    }
    let at = |row: usize, column: usize| if rows <= columns { vectors[row][column] } else { vectors[column][row] };
    (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (row, column)))
        .map(|(row, column)| at(row, column) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    fn draw(name: &str, inputs: usize, outputs: usize) -> Vec<f32> {
        let (_, how) = Initialization::ALL.into_iter().find(|(known, _)| *known == name).unwrap();
        let mut stream = Stream::new(3, Purpose::Weights, [0; 3]);
        how.weights([inputs, outputs], [inputs, outputs], Activation::Relu, &mut stream)
    }

    #[test]
    fn spread_is_what_the_name_says() {
        let (inputs, outputs) = (300, 200);
        for (name, variance) in [
            ("auto", 2.0 / 300.0),
            ("he-uniform", 2.0 / 300.0),
            ("he-normal", 2.0 / 300.0),
            ("glorot-uniform", 2.0 / 500.0),
            ("glorot-normal", 2.0 / 500.0),
            ("lecun-uniform", 1.0 / 300.0),
            ("lecun-normal", 1.0 / 300.0),
            ("torch", 1.0 / 900.0),
            ("zeros", 0.0),
        ] {
            let weights = draw(name, inputs, outputs);
            let found = weights.iter().map(|&weight| f64::from(weight).powi(2)).sum::<f64>() / weights.len() as f64;
            assert!((found - variance).abs() <= 0.02 * variance, "{name}: {found} instead of {variance}");
        }
    }

    #[test]
    fn orthogonal_rows_or_columns_are_orthonormal() {
        let weights = draw("orthogonal", 20, 8);
        for left in 0..8 {
            for right in 0..8 {
                let product: f32 = (0..20).map(|row| weights[row * 8 + left] * weights[row * 8 + right]).sum();
                assert!((product - f32::from(u8::from(left == right))).abs() < 1e-5, "{left} {right} {product}");
            }
        }
        let wide = draw("orthogonal", 2, 50);
        let length: f32 = wide[..50].iter().map(|weight| weight * weight).sum();
        assert!((length - 1.0).abs() < 1e-5);
    }

    #[test]
    fn only_torch_draws_biases() {
        let mut stream = Stream::new(3, Purpose::Weights, [0; 3]);
        assert_eq!(Initialization::Auto.biases(100, 5, &mut stream), [0.0; 5]);
        let biases = Initialization::Torch.biases(100, 1000, &mut stream);
        assert!(biases.iter().all(|bias| bias.abs() <= 0.1) && biases.iter().any(|bias| bias.abs() > 0.09));
    }
}
