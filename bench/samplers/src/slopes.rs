//! Problems that report gradients, true ones or not. No peer follows gradients, so ours are compared with one another.

use std::collections::{BTreeMap, VecDeque};
use std::io::BufRead;
use std::sync::OnceLock;

use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};
use trimtab_engine::{Assignment, Domain, Gradient, Parameter, Sampler, Scale, Space, Value as Given};

use crate::functions::normal;
use crate::study::{Study, plan};

/// A problem with a derivative in each parameter.
pub(crate) struct SlopeProblem {
    pub(crate) name: &'static str,
    space: fn() -> Space,
    /// Value and gradient at the parameters' values.
    at: fn(&[f64]) -> (f64, Vec<f64>),
    /// The smallest value there is.
    optimum: fn() -> f64,
}

/// All of them.
pub(crate) const PROBLEMS: [SlopeProblem; 3] = [
    SlopeProblem { name: "quadratic6", space: || floats(6, -5.0, 5.0, Scale::Linear), at: quadratic, optimum: || 0.0 },
    SlopeProblem { name: "ridge3", space: || floats(3, 1e-6, 1e3, Scale::Log), at: ridge, optimum: ridge_optimum },
    SlopeProblem {
        name: "hartmann6",
        space: || floats(6, 0.0, 1.0, Scale::Linear),
        at: hartmann,
        optimum: || -3.322_368_011_415_51,
    },
];

/// What trials say of the gradient.
pub(crate) const TOLD: [&str; 6] = ["true", "missing", "turned", "random", "huge", "NaN"];

fn floats(count: usize, min: f64, max: f64, scale: Scale) -> Space {
    let domain = Domain::Float { min, max, step: None, scale };
    let parameter = |i| Parameter { name: format!("x{i}"), domain: domain.clone(), when: Vec::new() };
    Space { parameters: (0..count).map(parameter).collect() }
}

/// A bowl a hundred times as steep in one direction as in another, with neighbours that depend on each other.
fn quadratic(x: &[f64]) -> (f64, Vec<f64>) {
    let weight = |i: usize| 10_f64.powf(2.0 * i as f64 / 5.0);
    let away: Vec<f64> = x.iter().enumerate().map(|(i, x)| x - 3.0 * (2.4 * (i + 1) as f64).sin()).collect();
    let mut gradient: Vec<f64> = away.iter().enumerate().map(|(i, d)| 2.0 * weight(i) * d).collect();
    let mut value: f64 = away.iter().enumerate().map(|(i, d)| weight(i) * d * d).sum();
    for i in 1..away.len() {
        let pair = 0.8 * (weight(i) * weight(i - 1)).sqrt();
        value += pair * away[i] * away[i - 1];
        gradient[i] += pair * away[i - 1];
        gradient[i - 1] += pair * away[i];
    }
    (value, gradient)
}

/// Features of a row, three groups of three, and its target, which the first group tells, the second hints at, and the third has
/// nothing to do with.
fn row(number: u32) -> ([f64; 9], f64) {
    let x: [f64; 9] = std::array::from_fn(|i| normal(91 + i as u64, number));
    let target = x[0] - 0.7 * x[1] + 0.5 * x[2] + 0.15 * (x[3] + x[4] - x[5]) + 0.8 * normal(7, number);
    (x, target)
}

/// The mean square of a ridge regression's errors on 60 rows after a fit to 25, by the three groups' penalties; with its exact
/// gradient: the weights solve `(X'X / n + P) w = X'y / n`, so their derivative in a penalty solves the same with minus the group's
/// own weights on the right.
fn ridge(penalties: &[f64]) -> (f64, Vec<f64>) {
    type Rows = Vec<([f64; 9], f64)>;
    static ROWS: OnceLock<(Rows, Rows)> = OnceLock::new();
    let (train, rest) = ROWS.get_or_init(|| ((0..25).map(row).collect(), (25..85).map(row).collect()));
    let (mut matrix, mut right) = ([[0.0; 9]; 9], [0.0; 9]);
    for (x, y) in train {
        for i in 0..9 {
            right[i] += x[i] * y / 25.0;
            for j in 0..9 {
                matrix[i][j] += x[i] * x[j] / 25.0;
            }
        }
    }
    for (i, row) in matrix.iter_mut().enumerate() {
        row[i] += penalties[i / 3];
    }
    let weights = solve(matrix, right);
    let moves: Vec<[f64; 9]> = (0..3)
        .map(|group| solve(matrix, std::array::from_fn(|i| if i / 3 == group { -weights[i] } else { 0.0 })))
        .collect();
    let dot = |a: &[f64; 9], b: &[f64; 9]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (mut value, mut gradient) = (0.0, vec![0.0; 3]);
    for (x, y) in rest {
        let miss = dot(x, &weights) - y;
        value += miss * miss / 60.0;
        for (sum, moves) in gradient.iter_mut().zip(&moves) {
            *sum += 2.0 * miss * dot(x, moves) / 60.0;
        }
    }
    (value, gradient)
}

/// The solution of a system whose matrix is positive definite, so that no rows have to be exchanged.
fn solve(mut matrix: [[f64; 9]; 9], mut right: [f64; 9]) -> [f64; 9] {
    for k in 0..9 {
        for i in k + 1..9 {
            let factor = matrix[i][k] / matrix[k][k];
            right[i] -= factor * right[k];
            let above = matrix[k];
            matrix[i].iter_mut().zip(above).skip(k).for_each(|(own, above)| *own -= factor * above);
        }
    }
    for i in (0..9).rev() {
        let known: f64 = (i + 1..9).map(|j| matrix[i][j] * right[j]).sum();
        right[i] = (right[i] - known) / matrix[i][i];
    }
    right
}

/// The least error of the ridge regression: the best of a grid, and from there to every side in ever smaller steps.
fn ridge_optimum() -> f64 {
    let at = |u: [f64; 3]| ridge(&u.map(|u| 10_f64.powf(u.clamp(-6.0, 3.0)))).0;
    let steps = || (0..=18).map(|step| f64::from(step) / 2.0 - 6.0);
    let grid = steps().flat_map(|a| steps().flat_map(move |b| steps().map(move |c| [a, b, c])));
    let mut best = grid.map(|u| (at(u), u)).fold((f64::INFINITY, [0.0; 3]), |a, b| if b.0 < a.0 { b } else { a });
    let mut step = 0.25;
    while step > 1e-9 {
        let sides =
            (0..6).map(|k| std::array::from_fn(|i| best.1[i] + if i == k / 2 { [step, -step][k % 2] } else { 0.0 }));
        match sides.map(|u: [f64; 3]| (at(u), u)).find(|(value, _)| *value < best.0) {
            Some(better) => best = better,
            None => step /= 2.0,
        }
    }
    best.0
}

/// Hartmann's function in six dimensions.
fn hartmann(x: &[f64]) -> (f64, Vec<f64>) {
    let (mut value, mut gradient) = (0.0, vec![0.0; 6]);
    for (height, slopes, centres) in crate::functions::hartmann6_hills() {
        let distance: f64 = x.iter().zip(slopes).zip(centres).map(|((x, a), p)| a * (x - p).powi(2)).sum();
        let hill = height * (-distance).exp();
        value -= hill;
        for (i, sum) in gradient.iter_mut().enumerate() {
            *sum += 2.0 * slopes[i] * (x[i] - centres[i]) * hill;
        }
    }
    (value, gradient)
}

/// The problem of this name.
pub(crate) fn by_name(name: &str) -> anyhow::Result<&'static SlopeProblem> {
    PROBLEMS.iter().find(|problem| problem.name == name).ok_or_else(|| {
        let names: Vec<&str> = PROBLEMS.iter().map(|problem| problem.name).collect();
        anyhow!("no problem `{name}`; there are {}", names.join(", "))
    })
}

/// What a trial says of its gradient.
fn lie(told: &str, gradient: Vec<f64>, seed: u64, number: u32) -> Vec<f64> {
    let dice = |i: usize| normal(seed * 64 + 5_000 + i as u64, number);
    match told {
        "missing" => Vec::new(),
        "turned" => gradient.iter().map(|slope| -slope).collect(),
        "random" => gradient.iter().enumerate().map(|(i, slope)| slope.abs() * dice(i)).collect(),
        "huge" => gradient.iter().map(|slope| slope * 1e200).collect(),
        "NaN" => gradient.iter().map(|_| f64::NAN).collect(),
        _ => gradient,
    }
}

fn numbers(assignment: &Assignment) -> Vec<f64> {
    let number = |(_, value): &(String, Given)| if let Given::Float(x) = value { *x } else { f64::NAN };
    assignment.values.iter().map(number).collect()
}

/// Runs a study whose trials tell this of their gradients.
pub(crate) fn run(
    problem: &SlopeProblem,
    (name, sampler): (&str, Sampler),
    told: &str,
    seed: u64,
    trials: u32,
    workers: u32,
) -> anyhow::Result<Value> {
    let mut study = Study::new(plan((problem.space)(), sampler, seed, trials, workers)?);
    let (mut values, mut running) = (Vec::new(), VecDeque::new());
    let optimum = (problem.optimum)();
    loop {
        running.extend(study.ask().0);
        let Some((number, assignment)) = running.pop_front() else { break };
        let (value, gradient) = (problem.at)(&numbers(&assignment));
        study.tell_with(number, &[value], Gradient(lie(told, gradient, seed, number)));
        values.push(value - optimum);
    }
    let label = if name == "gradient" { format!("{name}, {told}") } else { name.to_owned() };
    Ok(json!({"kind": "slope", "problem": problem.name, "sampler": label, "seed": seed, "workers": workers,
        "trials": values.len(), "regrets": values}))
}

/// The shares of a usual regret that the table counts trials up to.
const SHARES: [f64; 3] = [1e-2, 1e-4, 1e-6];

/// Reads runs, and prints a table: how many trials it takes, in the median of the seeds, until the regret is so small beside that of a
/// usual point; and how large it is after so many trials.
pub(crate) fn table(runs: impl BufRead, after: &[usize]) -> anyhow::Result<String> {
    let mut groups: BTreeMap<(String, String), Vec<Vec<f64>>> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for line in runs.lines() {
        let run: Value = serde_json::from_str(&line?)?;
        let text = |key: &str| run[key].as_str().map(str::to_owned).with_context(|| format!("no `{key}`"));
        let (problem, sampler) = (text("problem")?, text("sampler")?);
        if !order.contains(&sampler) {
            order.push(sampler.clone());
        }
        groups.entry((problem, sampler)).or_default().push(serde_json::from_value(run["regrets"].clone())?);
    }
    let heads =
        SHARES.iter().map(|share| format!("trials to {share:e}")).chain(after.iter().map(|k| format!("after {k}")));
    let heads: Vec<String> = heads.collect();
    let mut out =
        format!("| problem | sampler | seeds | {} |\n|{}\n", heads.join(" | "), " --- |".repeat(3 + heads.len()));
    for problem in &PROBLEMS {
        let usual = usual(problem);
        for sampler in &order {
            let Some(runs) = groups.get(&(problem.name.to_owned(), sampler.clone())) else { continue };
            let trials = |share: &f64| {
                let first = |run: &Vec<f64>| run.iter().position(|regret| *regret <= share * usual);
                let middle = median(runs.iter().map(|run| first(run).map_or(f64::INFINITY, |at| (at + 1) as f64)));
                if middle.is_finite() { middle.to_string() } else { "never".to_owned() }
            };
            let regret = |&count: &usize| {
                let best = |run: &Vec<f64>| run.iter().take(count).copied().fold(f64::INFINITY, f64::min);
                format!("{:.1e}", median(runs.iter().map(best)) / usual)
            };
            let cells: Vec<String> = SHARES.iter().map(trials).chain(after.iter().map(regret)).collect();
            out.push_str(&format!("| {} | {sampler} | {} | {} |\n", problem.name, runs.len(), cells.join(" | ")));
        }
    }
    Ok(out)
}

/// The median regret of points all over the space.
fn usual(problem: &SlopeProblem) -> f64 {
    let (space, optimum) = ((problem.space)(), (problem.optimum)());
    // Irrational multiples spread over the cube.
    let point = |k: u32| (0..space.parameters.len()).map(move |i| (f64::from(k) * (2.0 + i as f64).sqrt()).fract());
    median((1..=999).map(|k| (problem.at)(&numbers(&space.at(&point(k).collect::<Vec<_>>()))).0 - optimum))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_those_of_differences_and_nothing_is_below_the_optimum() {
        for problem in &PROBLEMS {
            let (space, optimum) = ((problem.space)(), (problem.optimum)());
            for k in 1..200_u32 {
                let cube: Vec<f64> =
                    (0..space.parameters.len()).map(|i| (f64::from(k) * (2.0 + i as f64).sqrt()).fract()).collect();
                let x = numbers(&space.at(&cube));
                let (value, gradient) = (problem.at)(&x);
                assert!(value >= optimum, "{}: {value} at {x:?}", problem.name);
                for i in 0..x.len() {
                    let reach = 1e-5 * x[i].abs().max(1e-6);
                    let shifted = |by: f64| {
                        let mut x = x.clone();
                        x[i] += by;
                        (problem.at)(&x).0
                    };
                    let slope = (shifted(reach) - shifted(-reach)) / (2.0 * reach);
                    let error = (slope - gradient[i]).abs();
                    assert!(error < 1e-4 * slope.abs() + 1e-9 / reach, "{}: {slope} {gradient:?}", problem.name);
                }
            }
        }
    }
}
