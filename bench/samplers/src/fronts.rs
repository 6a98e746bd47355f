//! Problems of several objectives, and how much of their fronts samplers cover. All objectives are minimized.
//!
//! ZDT1, ZDT2 and ZDT3 are those of Zitzler, Deb and Thiele (Evolutionary Computation 8(2), 2000) with 30 parameters, DTLZ2 is
//! that of Deb, Thiele, Laumanns and Zitzler (CEC 2002) with ten parameters behind those that say where on the front a point is: three
//! objectives have 12 parameters, two have 11.

use std::collections::{BTreeMap, VecDeque};
use std::f64::consts::PI;
use std::io::BufRead;

use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};
use trimtab_engine::pareto::{MAX_OBJECTIVES, Vector, hypervolume};
use trimtab_engine::{Domain, Goal, Objective, Parameter, Plan, Reduce, Sampler, Scale, Space};

use crate::problems::{self, Point};
use crate::study::{self, Study};

/// A problem of several objectives.
pub(crate) struct FrontProblem {
    pub(crate) name: &'static str,
    about: &'static str,
    objectives: usize,
    parameters: usize,
    /// Where the hypervolume is measured from, alike for all but the first objective.
    reference: (f64, f64),
    /// The hypervolume of the whole front.
    ideal: f64,
    values: fn(&[f64]) -> Vec<f64>,
}

/// All of them.
pub(crate) const PROBLEMS: [FrontProblem; 5] = [
    FrontProblem {
        name: "zdt1",
        about: "two objectives, a convex front",
        objectives: 2,
        parameters: 30,
        reference: (1.1, 6.0),
        ideal: 5.0 + 2.0 / 3.0 + 0.6,
        values: |x| zdt(x, |f, g| 1.0 - (f / g).sqrt()),
    },
    FrontProblem {
        name: "zdt2",
        about: "two objectives, a concave front",
        objectives: 2,
        parameters: 30,
        reference: (1.1, 6.0),
        ideal: 5.0 + 1.0 / 3.0 + 0.6,
        values: |x| zdt(x, |f, g| 1.0 - (f / g) * (f / g)),
    },
    FrontProblem {
        name: "zdt3",
        about: "two objectives, a front in five pieces",
        objectives: 2,
        parameters: 30,
        reference: (1.1, 6.0),
        // By numbers, in two million steps.
        ideal: 6.721_762,
        values: |x| zdt(x, |f, g| 1.0 - (f / g).sqrt() - f / g * (10.0 * PI * f).sin()),
    },
    FrontProblem {
        name: "dtlz2-2",
        about: "two objectives, a quarter of a circle",
        objectives: 2,
        parameters: 11,
        reference: (2.0, 2.0),
        ideal: 4.0 - PI / 4.0,
        values: dtlz2_of_two,
    },
    FrontProblem {
        name: "dtlz2",
        about: "three objectives, an eighth of a sphere",
        objectives: 3,
        parameters: 12,
        reference: (2.0, 2.0),
        ideal: 8.0 - PI / 6.0,
        values: dtlz2,
    },
];

/// The problem of this name.
pub(crate) fn by_name(name: &str) -> Option<&'static FrontProblem> {
    PROBLEMS.iter().find(|problem| problem.name == name)
}

fn zdt(x: &[f64], shape: fn(f64, f64) -> f64) -> Vec<f64> {
    let [first, rest @ ..] = x else { return Vec::new() };
    let g = 1.0 + 9.0 * rest.iter().sum::<f64>() / rest.len() as f64;
    vec![*first, g * shape(*first, g)]
}

fn dtlz2(x: &[f64]) -> Vec<f64> {
    let [a, b, rest @ ..] = x else { return Vec::new() };
    let (a, b) = (a * PI / 2.0, b * PI / 2.0);
    [a.cos() * b.cos(), a.cos() * b.sin(), a.sin()].map(|f| away(rest) * f).to_vec()
}

fn dtlz2_of_two(x: &[f64]) -> Vec<f64> {
    let [a, rest @ ..] = x else { return Vec::new() };
    let a = a * PI / 2.0;
    [a.cos(), a.sin()].map(|f| away(rest) * f).to_vec()
}

/// How far from the origin DTLZ2 is with these parameters; on the front it is 1.
fn away(rest: &[f64]) -> f64 {
    1.0 + rest.iter().map(|x| (x - 0.5) * (x - 0.5)).sum::<f64>()
}

impl FrontProblem {
    fn space(&self) -> Space {
        let domain = Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear };
        let parameter = |i: usize| Parameter { name: format!("x{i}"), domain: domain.clone(), when: Vec::new() };
        Space { parameters: (0..self.parameters).map(parameter).collect() }
    }

    /// What a trial reports.
    pub(crate) fn evaluate(&self, point: &Point) -> anyhow::Result<Vec<f64>> {
        let coordinate = |i: usize| point.get(&format!("x{i}")).and_then(Value::as_f64);
        let x: Option<Vec<f64>> = (0..self.parameters).map(coordinate).collect();
        Ok((self.values)(&x.with_context(|| format!("`{}` cannot be evaluated at {point:?}", self.name))?))
    }

    /// The problem for programs in other languages.
    pub(crate) fn describe(&self) -> Value {
        let parameters: Vec<Value> = self.space().parameters.iter().map(problems::describe).collect();
        json!({"problem": self.name, "about": self.about, "objectives": self.objectives, "parameters": parameters})
    }

    fn plan(&self, sampler: Sampler, seed: u64, trials: u32, workers: u32) -> anyhow::Result<Plan> {
        let mut spec = study::plan(self.space(), Sampler::Random, seed, trials, workers)?.spec().clone();
        spec.sampler = sampler;
        let further = |k: usize| Objective { metric: format!("value{k}"), goal: Goal::Minimize, reduce: Reduce::Last };
        spec.further = (1..self.objectives).map(further).collect();
        study::checked(spec)
    }

    /// The share of the whole front's hypervolume that these trials cover.
    fn share(&self, values: &[Vec<f64>]) -> f64 {
        let padded = |values: &Vec<f64>| -> Vector { std::array::from_fn(|k| values.get(k).copied().unwrap_or(0.0)) };
        let points: Vec<Vector> = values.iter().map(padded).collect();
        let mut corner = [self.reference.1; MAX_OBJECTIVES];
        corner[0] = self.reference.0;
        hypervolume(&points, &corner, self.objectives) / self.ideal
    }
}

/// Runs a study as [`study::run`] does.
pub(crate) fn run(
    problem: &FrontProblem,
    (name, sampler): (&str, Sampler),
    seed: u64,
    trials: u32,
    workers: u32,
) -> anyhow::Result<Value> {
    let mut study = Study::new(problem.plan(sampler, seed, trials, workers)?);
    let (mut values, mut seconds, mut running) = (Vec::new(), 0.0, VecDeque::new());
    loop {
        let (starts, took) = study.ask();
        seconds += took.as_secs_f64();
        running.extend(starts);
        let Some((number, assignment)) = running.pop_front() else { break };
        let found = problem.evaluate(&problems::point(&assignment))?;
        study.tell(number, &found);
        values.push(found);
    }
    Ok(json!({
        "kind": "front", "problem": problem.name, "sampler": format!("trimtab {name}"), "seed": seed, "workers": workers,
        "trials": values.len(), "values": values, "seconds_per_ask": seconds / values.len() as f64,
    }))
}

/// Reads runs, ours and peers', and prints a table: what share of the whole front's hypervolume is covered after so many
/// trials, in the mean of all seeds; and how much more or less that is than the first sampler has with the same seeds, with
/// the half width of its interval of 95 % (normal).
pub(crate) fn table(runs: impl BufRead, after: &[usize]) -> anyhow::Result<String> {
    let mut shares: BTreeMap<(String, String), BTreeMap<u64, Vec<f64>>> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for line in runs.lines() {
        let run: Value = serde_json::from_str(&line?)?;
        let text = |key: &str| run[key].as_str().map(str::to_owned).with_context(|| format!("no `{key}`"));
        let (name, sampler) = (text("problem")?, text("sampler")?);
        let problem = by_name(&name).ok_or_else(|| anyhow!("`{name}` has one objective"))?;
        let values: Vec<Vec<f64>> = serde_json::from_value(run["values"].clone())?;
        if !order.contains(&sampler) {
            order.push(sampler.clone());
        }
        let share = |count: &usize| problem.share(&values[..(*count).min(values.len())]);
        let seed = run["seed"].as_u64().context("no `seed`")?;
        shares.entry((name, sampler)).or_default().insert(seed, after.iter().map(share).collect());
    }
    let heads: Vec<String> = after.iter().flat_map(|count| [format!("{count} trials"), "beside".to_owned()]).collect();
    let mut text =
        format!("| problem | sampler | seeds | {} |\n|{}\n", heads.join(" | "), " --- |".repeat(3 + heads.len()));
    for problem in &PROBLEMS {
        let of = |sampler: &str| shares.get(&(problem.name.to_owned(), sampler.to_owned()));
        let Some(first) = order.iter().find_map(|sampler| of(sampler)) else { continue };
        for sampler in &order {
            let Some(own) = of(sampler) else { continue };
            let cells: Vec<String> = (0..after.len())
                .flat_map(|at| {
                    let column = |runs: &BTreeMap<u64, Vec<f64>>| mean(runs.values().map(|shares| shares[at])).0;
                    let pairs = own.iter().filter_map(|(seed, shares)| Some(shares[at] - first.get(seed)?[at]));
                    let (difference, error) = mean(pairs);
                    [format!("{:.4}", column(own)), format!("{difference:+.4} ± {:.4}", 1.96 * error)]
                })
                .collect();
            text.push_str(&format!("| {} | {sampler} | {} | {} |\n", problem.name, own.len(), cells.join(" | ")));
        }
    }
    Ok(text)
}

/// The mean, and its standard error.
fn mean(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let values: Vec<f64> = values.collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0).max(1.0) / count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fronts_have_their_ideal_hypervolume() {
        for problem in &PROBLEMS {
            // Points of the front: the parameters behind the first ones are 0, of DTLZ2 a half.
            let rest = if problem.name.starts_with("dtlz2") { 0.5 } else { 0.0 };
            let place = |x: f64, y: f64| {
                let mut all = vec![rest; problem.parameters];
                all[0] = x;
                if problem.objectives == 3 {
                    all[1] = y;
                }
                (problem.values)(&all)
            };
            let steps = if problem.objectives == 3 { 60 } else { 4_000 };
            let share = |i: u32| f64::from(i) / f64::from(steps);
            let of_row = |i: u32| (0..if problem.objectives == 3 { steps + 1 } else { 1 }).map(move |j| (i, j));
            let points: Vec<Vec<f64>> = (0..=steps).flat_map(of_row).map(|(i, j)| place(share(i), share(j))).collect();
            let found = problem.share(&points);
            assert!(found < 1.000_01 && found > 0.985, "{}: {found}", problem.name);
        }
    }
}
