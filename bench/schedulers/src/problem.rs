//! Problems with a fidelity and a known optimum.

use trimtab_engine::random::{Purpose, Stream};
use trimtab_engine::{Assignment, Domain, FidelityRange, Parameter, Scale, Space, Value};

/// A problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Stochastic counting ones (Falkner et al., 2018, section 5.1): eight bits and eight probabilities.
    Ones8,
    /// Hartmann's function of six dimensions, whose lower fidelities mislead a little.
    HartmannGood,
    /// The same, which mislead more.
    HartmannModerate,
    /// The same, whose lower fidelities are noise for the most part.
    HartmannTerrible,
    /// Learning curves that cross: how fast a configuration learns has nothing to do with how good it is in the end.
    Curves,
}

impl Problem {
    pub(crate) const ALL: [Self; 5] =
        [Self::Ones8, Self::HartmannGood, Self::HartmannModerate, Self::HartmannTerrible, Self::Curves];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ones8 => "ones8",
            Self::HartmannGood => "mfh6 good",
            Self::HartmannModerate => "mfh6 moderate",
            Self::HartmannTerrible => "mfh6 terrible",
            Self::Curves => "curves",
        }
    }

    pub(crate) fn fidelity(self) -> FidelityRange {
        match self {
            Self::Ones8 => FidelityRange { min: 9, max: 729 },
            _ => FidelityRange { min: 1, max: 81 },
        }
    }

    pub(crate) fn space(self) -> Space {
        let parameter = |name: String, domain| Parameter { name, domain, when: Vec::new() };
        let float = || Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear };
        let bit = || Domain::Categorical { choices: vec!["0".to_owned(), "1".to_owned()] };
        let (bits, floats) = if self == Self::Ones8 { (8, 8) } else { (0, 6) };
        let bits = (0..bits).map(|i| parameter(format!("bit{i}"), bit()));
        Space { parameters: bits.chain((0..floats).map(|i| parameter(format!("x{i}"), float()))).collect() }
    }

    /// What a training to this fidelity reports. The noise belongs to (seed, trial, fidelity).
    pub(crate) fn observe(self, x: &Assignment, fidelity: u32, seed: u64, trial: u32) -> f64 {
        let index = u64::from(trial) << 32 | u64::from(fidelity);
        let mut stream = Stream::new(seed ^ 0x006e_6f69_7365, Purpose::TrialSeed, index);
        let z = f64::from(fidelity).ln() / f64::from(self.fidelity().max).ln();
        let mut misled =
            |bias: f64, noise: f64| hartmann(x, bias * (1.0 - z)) + noise * (1.0 - z) * normal(&mut stream).abs();
        match self {
            Self::Ones8 => {
                let (ones, probabilities) = ones(x);
                let mean = |p: f64| (0..fidelity).filter(|_| stream.uniform() < p).count() as f64 / f64::from(fidelity);
                -ones - probabilities.into_iter().map(mean).sum::<f64>()
            }
            Self::HartmannGood => misled(2.5, 2.0),
            Self::HartmannModerate => misled(3.0, 3.0),
            Self::HartmannTerrible => misled(4.0, 5.0),
            Self::Curves => curve(x, fidelity) + 0.05 / f64::from(fidelity).sqrt() * normal(&mut stream),
        }
    }

    /// How far a configuration is from the optimum, without noise, at the highest fidelity.
    pub(crate) fn regret(self, x: &Assignment) -> f64 {
        match self {
            Self::Ones8 => {
                let (ones, probabilities) = ones(x);
                (16.0 - ones - probabilities.iter().sum::<f64>()) / 16.0
            }
            _ => hartmann(x, 0.0) + 3.322_368_011_415_51,
        }
    }

    /// The regret of having nothing: that of a configuration drawn at random, in the mean.
    pub(crate) fn regret_of_nothing(self) -> f64 {
        if self == Self::Ones8 { 0.5 } else { 3.06 }
    }
}

/// A learning curve from 1 towards Hartmann's function, scaled into -1 to 0, by a power of the epochs from 0.2 to 1. How fast a
/// configuration learns is another smooth function of it: who leads early says little of who is better in the end.
fn curve(x: &Assignment, epochs: u32) -> f64 {
    let end = hartmann(x, 0.0) / 3.322_368_011_415_51;
    let x = floats(x);
    let turn = std::f64::consts::TAU * (x.first().copied().unwrap_or(0.0) + x.get(3).copied().unwrap_or(0.0));
    let power = 0.6 + 0.4 * turn.cos();
    end + (1.0 - end) * f64::from(epochs).powf(-power)
}

fn ones(x: &Assignment) -> (f64, Vec<f64>) {
    let bits = x.values.iter().filter(|(_, value)| matches!(value, Value::Choice(bit) if bit == "1")).count();
    (bits as f64, floats(x))
}

fn floats(x: &Assignment) -> Vec<f64> {
    let float = |(_, value): &(String, Value)| if let Value::Float(x) = value { Some(*x) } else { None };
    x.values.iter().filter_map(float).collect()
}

pub(crate) fn normal(stream: &mut Stream) -> f64 {
    let (u, v) = (1.0 - stream.uniform(), stream.uniform());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// Hartmann's function, with the weights of its four peaks lowered by so much.
fn hartmann(x: &Assignment, lowered: f64) -> f64 {
    const WEIGHTS: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const SCALES: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const PEAKS: [[f64; 6]; 4] = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];
    let x = floats(x);
    let peak = |((weight, scales), peak): ((&f64, &[f64; 6]), &[f64; 6])| {
        let distance: f64 = scales.iter().zip(peak).zip(&x).map(|((a, p), x)| a * (x - p) * (x - p)).sum();
        (weight - lowered) * (-distance).exp()
    };
    -WEIGHTS.iter().zip(&SCALES).zip(&PEAKS).map(peak).sum::<f64>()
}
