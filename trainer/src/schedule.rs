//! The learning rate over a training, as a function of the step: a resumed run needs no memory of it.

/// How the learning rate changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Not at all.
    Constant,
    /// Multiplied by `factor` after every so many epochs.
    Step {
        /// What remains at each step.
        factor: f64,
        /// Epochs between steps.
        every: u32,
    },
    /// Down half a cosine wave (Loshchilov and Hutter 2017).
    Cosine {
        /// The share of the rate that is left at the end.
        last: f64,
    },
    /// Up and down again, both as half cosine waves (Smith and Topin 2018), with the constants of PyTorch.
    OneCycle,
}

/// A schedule of the learning rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The shape.
    pub shape: Shape,
    /// Epochs in which the rate first rises from 0 in a line.
    pub warm_up: u32,
    /// Epochs of a whole training: not of this run, which may be a part of it.
    pub epochs: u32,
}

/// The share of steps in which a single cycle rises.
const RISE: f64 = 0.3;
/// By how much a cycle begins below its top.
const START: f64 = 25.0;
/// By how much a cycle ends below its beginning.
const END: f64 = 1e4;

impl Schedule {
    /// The rate of step `step`, counted from 0 over the whole training, where an epoch has `steps` of them and `rate` is the
    /// one that was asked for.
    #[must_use]
    pub fn rate(&self, rate: f64, step: u64, steps: u64) -> f64 {
        let warm_up = u64::from(self.warm_up) * steps;
        if step < warm_up {
            // The first step is not lost to a rate of 0.
            return rate * (step + 1) as f64 / warm_up as f64;
        }
        let (step, total) = (step - warm_up, (u64::from(self.epochs) * steps).saturating_sub(warm_up).max(1));
        let step = step.min(total);
        match self.shape {
            Shape::Constant => rate,
            Shape::Step { factor, every } => {
                let passed = (step / steps) as u32 / every;
                rate * factor.powi(i32::try_from(passed).unwrap_or(i32::MAX))
            }
            Shape::Cosine { last } => between(rate, rate * last, step as f64 / total as f64),
            Shape::OneCycle => {
                let start = rate / START;
                let (top, end) = (RISE * total as f64 - 1.0, total as f64 - 1.0);
                let step = (step as f64).min(end);
                if step <= top {
                    between(start, rate, if top > 0.0 { step / top } else { 1.0 })
                } else {
                    between(rate, start / END, ((step - top) / (end - top)).min(1.0))
                }
            }
        }
    }
}

/// From `from` to `to` along half a cosine wave.
fn between(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(shape: Shape, warm_up: u32) -> Vec<f64> {
        let schedule = Schedule { shape, warm_up, epochs: 4 };
        (0..12).map(|step| schedule.rate(0.1, step, 3)).collect()
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
        }
    }

    #[test]
    fn constant_after_a_line_up() {
        close(&rates(Shape::Constant, 1), &[[0.1 / 3.0, 0.2 / 3.0, 0.1].to_vec(), vec![0.1; 9]].concat());
    }

    #[test]
    fn steps_are_by_epochs() {
        let expected = [[0.1; 6], [0.05; 6]].concat();
        close(&rates(Shape::Step { factor: 0.5, every: 2 }, 0), &expected);
    }

    #[test]
    fn cosine_and_one_cycle_are_those_of_pytorch() {
        // torch.optim.lr_scheduler.CosineAnnealingLR(T_max=12, eta_min=0.01), a step each batch, PyTorch 2.15.
        let cosine = [
            0.1,
            0.098_466_662_183,
            0.093_971_143_170,
            0.086_819_805_153,
            0.0775,
            0.066_646_857_030,
            0.055,
            0.043_353_142_970,
            0.0325,
            0.023_180_194_847,
            0.016_028_856_830,
            0.011_533_337_817,
        ];
        close(&rates(Shape::Cosine { last: 0.1 }, 0), &cosine);
        // torch.optim.lr_scheduler.OneCycleLR(max_lr=0.1, total_steps=12).
        let cycle = [
            0.004,
            0.034_978_965_422,
            0.087_928_515_912,
            0.099_441_543_545,
            0.093_301_296_984,
            0.081_174_565_395,
            0.064_737_899_770,
            0.046_263_710_267,
            0.028_306_099_821,
            0.013_347_753_019,
            0.003_456_698_743,
            0.000_000_4,
        ];
        close(&rates(Shape::OneCycle, 0), &cycle);
    }
}
