use super::*;

fn text(brackets: &[Vec<RawRung>]) -> String {
    let bracket = |rungs: &Vec<RawRung>| {
        rungs.iter().map(|(level, size)| format!("{size}@{level}")).collect::<Vec<_>>().join(" ")
    };
    brackets.iter().map(bracket).collect::<Vec<_>>().join(" | ")
}

fn table(max: u32, eta: u32) -> String {
    text(&hyperband(FidelityRange { min: 1, max }, eta, Sizes::Paper))
}

#[test]
fn hyperband_gives_the_published_tables() {
    assert_eq!(table(81, 3), "81@1 27@3 9@9 3@27 1@81 | 34@3 11@9 3@27 1@81 | 15@9 5@27 1@81 | 8@27 2@81 | 5@81");
    assert_eq!(table(27, 3), "27@1 9@3 3@9 1@27 | 12@3 4@9 1@27 | 6@9 2@27 | 4@27");
    assert_eq!(table(9, 3), "9@1 3@3 1@9 | 5@3 1@9 | 3@9");
    assert_eq!(table(16, 2), "16@1 8@2 4@4 2@8 1@16 | 10@2 5@4 2@8 1@16 | 7@4 3@8 1@16 | 5@8 2@16 | 5@16");
    assert_eq!(
        table(100, 3),
        "81@1 27@4 9@11 3@33 1@100 | 34@4 11@11 3@33 1@100 | 15@11 5@33 1@100 | 8@33 2@100 | 5@100"
    );
}

/// The same rule from the paper's side, by search instead of division: the smallest `n` that is large enough.
fn oracle(min: u128, max: u128, eta: u128) -> Vec<Vec<(u128, u128)>> {
    let mut powers = vec![1_u128];
    while let Some(next) = powers.last().map(|p| p * eta).filter(|p| min * p <= max) {
        powers.push(next);
    }
    let count = powers.len() as u128;
    let mut brackets = Vec::new();
    for (s, &top) in powers.iter().enumerate().rev() {
        let (mut low, mut high) = (0_u128, count * top);
        while low < high {
            let middle = (low + high) / 2;
            if middle * (s as u128 + 1) >= count * top { high = middle } else { low = middle + 1 }
        }
        let mut rungs = Vec::new();
        let mut size = low;
        for i in 0..=s {
            // Twice the distance decides what is nearest; halves go up.
            let divisor = powers[s - i];
            let down = max / divisor;
            let level = if 2 * (max - down * divisor) >= divisor { down + 1 } else { down };
            rungs.push((level.max(min).min(max), size.max(1)));
            size /= eta;
        }
        brackets.push(rungs);
    }
    brackets
}

fn wide(brackets: Vec<Vec<RawRung>>) -> Vec<Vec<(u128, u128)>> {
    brackets.into_iter().map(|b| b.into_iter().map(|(l, n)| (u128::from(l), u128::from(n))).collect()).collect()
}

#[test]
fn hyperband_loses_no_bracket_at_powers() {
    for eta in 2..=10_u32 {
        let mut k = 1;
        while let Some(max) = eta.checked_pow(k) {
            let brackets = hyperband(FidelityRange { min: 1, max }, eta, Sizes::Paper);
            assert_eq!(brackets.len(), k as usize + 1, "{eta}^{k}");
            assert_eq!(brackets[0][0], (1, u64::from(max)));
            assert_eq!(wide(brackets), oracle(1, max.into(), eta.into()), "{eta}^{k}");
            k += 1;
        }
    }
}

#[test]
fn hyperband_agrees_with_the_oracle_everywhere_small() {
    for eta in 2..=10_u32 {
        for max in 1..=300_u32 {
            for min in 1..=max.min(20) {
                let brackets = hyperband(FidelityRange { min, max }, eta, Sizes::Paper);
                for rungs in &brackets {
                    assert!(rungs.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 >= w[1].1), "{min} {max} {eta}");
                    assert_eq!(rungs.last().map(|r| r.0), Some(max));
                    assert!(rungs[0].0 >= min);
                }
                assert_eq!(wide(brackets), oracle(min.into(), max.into(), eta.into()), "{min} {max} {eta}");
            }
        }
    }
}

#[test]
fn successive_halving_fills_the_first_rung_as_told() {
    let range = FidelityRange { min: 1, max: 27 };
    assert_eq!(text(&[successive_halving(range, 3, None)]), "27@1 9@3 3@9 1@27");
    assert_eq!(text(&[successive_halving(range, 3, Some(10))]), "10@1 3@3 1@9 1@27");
    assert_eq!(text(&[successive_halving(range, 3, Some(1))]), "1@1 1@3 1@9 1@27");
}

#[test]
fn plan_refuses_rungs_beyond_the_bound() {
    let scheduler = Scheduler::Hyperband { reduction_factor: 10, sizes: Sizes::Paper, run_through: false };
    let error = plan(Some(FidelityRange { min: 1, max: 1_000_000 }), &scheduler).unwrap_err();
    assert_eq!(error.field, "scheduler.hyperband.reductionFactor");
    assert!(plan(Some(FidelityRange { min: 10, max: 1_000_000 }), &scheduler).is_ok());
}

#[test]
fn plan_refuses_a_ladder_without_a_promotion() {
    let scheduler = Scheduler::SuccessiveHalving { reduction_factor: 3, configurations: None, run_through: false };
    assert!(plan(Some(FidelityRange { min: 5, max: 9 }), &scheduler).is_err());
}

#[test]
fn plan_numbers_the_levels_of_all_brackets() {
    let scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
    let (levels, brackets) = plan(Some(FidelityRange { min: 1, max: 9 }), &scheduler).unwrap();
    assert_eq!(levels, [1, 3, 9]);
    assert_eq!(brackets[1].rungs, [RungPlan { level: 1, size: 5 }, RungPlan { level: 2, size: 1 }]);
    assert_eq!(plan(None, &Scheduler::None), Ok((vec![1], Vec::new())));
}

/// Fractions of whole numbers, so that the tables are computed again as the paper writes them.
#[derive(Clone, Copy)]
struct Ratio(u128, u128);

impl Ratio {
    fn ceil(self) -> u128 {
        self.0.div_ceil(self.1)
    }

    fn floor(self) -> u128 {
        self.0 / self.1
    }

    /// The nearest whole number, halves up: the floor of one half more.
    fn round(self) -> u128 {
        Self(2 * self.0 + self.1, 2 * self.1).floor()
    }
}

/// Algorithm 1 with its own letters: `R / r_min` for the number of promotions, `n = ceil(B / R * eta^s / (s + 1))` with
/// `B = (s_max + 1) R`, `n_i = floor(n * eta^-i)` and `r_i = r * eta^i` with `r = R * eta^-s`.
fn paper(min: u128, max: u128, eta: u128, sizes: Sizes) -> Vec<Vec<(u128, u128)>> {
    let power = |n: u32| eta.pow(n);
    let s_max = (0..).find(|&s| power(s + 1) * min > max).unwrap();
    let count = u128::from(s_max) + 1;
    let bracket = |s: u32| {
        let n = match sizes {
            Sizes::Paper => Ratio(count * max * power(s), max * u128::from(s + 1)).ceil(),
            Sizes::Hpbandster => Ratio(count, u128::from(s + 1)).floor() * power(s),
        };
        let rung = |i: u32| {
            let level = Ratio(max * power(i), power(s)).round();
            (level.clamp(min, max), Ratio(n, power(i)).floor().max(1))
        };
        (0..=s).map(rung).collect()
    };
    (0..=s_max).rev().map(bracket).collect()
}

#[test]
fn tables_are_exact_for_every_factor_and_up_to_twelve_rungs() {
    for eta in 2..=10_u32 {
        for rungs in 1..=12_u32 {
            let Some(max) = eta.checked_pow(rungs - 1) else { continue };
            for sizes in [Sizes::Paper, Sizes::Hpbandster] {
                let brackets = hyperband(FidelityRange { min: 1, max }, eta, sizes);
                assert_eq!(brackets.len(), rungs as usize, "{eta}^{}", rungs - 1);
                assert!(brackets.iter().zip((1..=rungs).rev()).all(|(bracket, n)| bracket.len() == n as usize));
                assert_eq!(wide(brackets), paper(1, max.into(), eta.into(), sizes), "{eta}^{} {sizes:?}", rungs - 1);
            }
        }
    }
}

#[test]
fn tables_are_exact_for_ten_thousand_random_ladders() {
    let mut stream = crate::random::Stream::new(5, crate::random::Purpose::Parameters, 0);
    let mut below = |bound: u64| u32::try_from(stream.below(bound)).unwrap();
    for _ in 0..10_000 {
        let eta = 2 + below(9);
        // Sizes of every magnitude, and often a power of the factor or next to one.
        let scale = 1_u64 << below(30);
        let max = match below(3) {
            0 => 1 + below(scale),
            1 => eta.checked_pow(below(10)).unwrap_or(1_000),
            _ => (eta.checked_pow(1 + below(9)).unwrap_or(1_000) + below(3)).saturating_sub(1).max(1),
        };
        let widest = 1 << below(20);
        let min = 1 + below(u64::from(max).min(widest));
        for sizes in [Sizes::Paper, Sizes::Hpbandster] {
            let brackets = hyperband(FidelityRange { min, max }, eta, sizes);
            for rungs in &brackets {
                assert!(rungs.windows(2).all(|w| w[1].1 <= (w[0].1 / u64::from(eta)).max(1)), "{min} {max} {eta}");
            }
            assert_eq!(wide(brackets), paper(min.into(), max.into(), eta.into(), sizes), "{min} {max} {eta} {sizes:?}");
        }
    }
}

#[test]
fn hpbandster_sizes_are_those_of_its_programs() {
    let brackets = hyperband(FidelityRange { min: 1, max: 81 }, 3, Sizes::Hpbandster);
    assert_eq!(brackets.iter().map(|rungs| rungs[0].1).collect::<Vec<_>>(), [81, 27, 9, 6, 5]);
}
