//! The distribution over the choices of categorical parameters, learned beside the normal one.
//!
//! After Hamano, Saito, Nomura, Uchida and Shirakawa, "CatCMA" (GECCO 2024): the natural gradient of the expected rank, in steps
//! whose length adapts to how well they agree (Akimoto, Shirakawa, Yoshinari, Uchida, Saito and Nishida, ICML 2019), and a
//! lower bound on each probability, so that no choice is lost for good.

/// How much the agreement of steps must exceed chance.
const ALPHA: f64 = 1.5;

/// The longest step towards the evidence of one population: 1 would forget all before.
const LONGEST: f64 = 0.5;

/// Probabilities of choices, one list for each categorical parameter.
#[derive(Clone, Debug)]
pub(super) struct Choices {
    probabilities: Vec<Vec<f64>>,
    /// The accumulated direction, in the metric of the distribution.
    path: Vec<Vec<f64>>,
    /// The expected square of the path's length if directions were chance.
    chance: f64,
    /// What divides the trust region.
    caution: f64,
}

impl Choices {
    /// Uniform over so many choices of each parameter.
    #[expect(clippy::cast_precision_loss, reason = "a parameter has at most 256 choices")]
    pub(super) fn new(counts: &[usize]) -> Self {
        Self {
            probabilities: counts.iter().map(|&n| vec![1.0 / n.max(1) as f64; n]).collect(),
            path: counts.iter().map(|&n| vec![0.0; n]).collect(),
            chance: 0.0,
            caution: 1.0,
        }
    }

    /// The choice of a parameter at a point of the unit interval.
    pub(super) fn at(&self, parameter: usize, unit: f64) -> usize {
        let Some(shares) = self.probabilities.get(parameter) else { return 0 };
        let mut sum = 0.0;
        let hit = shares.iter().position(|share| {
            sum += share;
            unit < sum
        });
        hit.unwrap_or(shares.len().saturating_sub(1))
    }

    /// Learns from a population's weights and choices (by parameter; absent where it did not exist).
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    pub(super) fn update(&mut self, population: &[(f64, &[Option<usize>])]) {
        let free: usize = self.probabilities.iter().map(|shares| shares.len().saturating_sub(1)).sum();
        if free == 0 {
            return;
        }
        let mut gradient: Vec<Vec<f64>> = self.probabilities.iter().map(|shares| vec![0.0; shares.len()]).collect();
        for (weight, chosen) in population {
            for (parameter, choice) in chosen.iter().enumerate() {
                let (Some(choice), Some(shares)) = (choice, self.probabilities.get(parameter)) else { continue };
                for (k, (sum, share)) in gradient[parameter].iter_mut().zip(shares).enumerate() {
                    *sum += weight * (f64::from(u8::from(k == *choice)) - share);
                }
            }
        }
        let pairs = || gradient.iter().flatten().zip(self.probabilities.iter().flatten());
        let length = pairs().map(|(g, share)| g * g / share.max(1e-12)).sum::<f64>().sqrt();
        if length <= 1e-12 {
            return;
        }
        let trust = 1.0 / self.caution;
        let step = (trust / length).min(LONGEST);
        let beta = (trust / (free as f64).sqrt()).min(1.0);
        let push = (beta * (2.0 - beta)).sqrt() / length;
        let mut agreement = 0.0;
        for ((path, shares), sums) in self.path.iter_mut().zip(&mut self.probabilities).zip(&gradient) {
            for ((p, share), g) in path.iter_mut().zip(shares).zip(sums) {
                *p = (1.0 - beta) * *p + push * g / share.max(1e-12).sqrt();
                agreement += *p * *p;
                *share += step * g;
            }
        }
        self.chance = (1.0 - beta) * (1.0 - beta) * self.chance + beta * (2.0 - beta);
        self.caution = (self.caution * libm::exp(beta * (self.chance - agreement / ALPHA))).clamp(1e-3, 1e6);
        self.bound();
    }

    /// Moves towards a point that is known to be good.
    pub(super) fn lean(&mut self, chosen: &[Option<usize>]) {
        for (shares, choice) in self.probabilities.iter_mut().zip(chosen) {
            let Some(choice) = choice else { continue };
            for (k, share) in shares.iter_mut().enumerate() {
                *share = 0.5 * *share + if k == *choice { 0.5 } else { 0.0 };
            }
        }
        self.bound();
    }

    /// Keeps every probability above the margin.
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    fn bound(&mut self) {
        let parameters = self.probabilities.len().max(1) as f64;
        for shares in &mut self.probabilities {
            if shares.len() < 2 {
                continue;
            }
            let least = (1.0 - libm::pow(0.73, 1.0 / parameters)) / (shares.len() - 1) as f64;
            let least = least.min(0.5 / shares.len() as f64);
            shares.iter_mut().for_each(|share| *share = share.max(least));
            // What was added is taken from what is above the margin, in proportion.
            let excess = shares.iter().sum::<f64>() - 1.0;
            let room: f64 = shares.iter().map(|share| share - least).sum();
            if room > 0.0 {
                shares.iter_mut().for_each(|share| *share -= excess * (*share - least) / room);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_choice_becomes_likely_and_none_is_lost() {
        let mut choices = Choices::new(&[4, 1, 2]);
        for round in 0..60 {
            let chosen = [[Some(2), Some(0), None], [Some(round % 4), Some(0), Some(1)]];
            choices.update(&[(0.7, &chosen[0]), (0.3, &chosen[1])]);
            for shares in &choices.probabilities {
                assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{choices:?}");
                assert!(shares.iter().all(|&share| share > 0.03), "{choices:?}");
            }
        }
        assert!(choices.probabilities[0][2] > 0.6, "{choices:?}");
        assert!(choices.probabilities[2][1] > 0.8, "{choices:?}");
        assert_eq!(choices.probabilities[1], [1.0]);
        assert_eq!((choices.at(0, 0.9999), choices.at(1, 0.5), choices.at(7, 0.5)), (3, 0, 0));
    }

    #[test]
    fn nothing_to_learn_changes_nothing() {
        let mut choices = Choices::new(&[3]);
        choices.update(&[(0.5, &[None]), (0.5, &[None])]);
        choices.update(&[]);
        assert_eq!(choices.probabilities, [vec![1.0 / 3.0; 3]]);
        Choices::new(&[]).update(&[(1.0, &[])]);
    }
}
