//! How far apart trials are that are asked for at once, and how evenly they cover the unit cube.

use std::collections::{BTreeMap, VecDeque};
use std::io::BufRead;

use anyhow::Context as _;
use serde_json::{Value, json};
use trimtab_engine::Sampler;

use crate::problems::{self, Problem};
use crate::study::{Study, plan};

/// Plays so many trials one after the other, and then asks for many at once; prints where those are, on axes from 0 to 1.
pub(crate) fn run(
    problem: &Problem,
    (name, sampler): (&str, Sampler),
    seed: u64,
    finished: u32,
    asks: u32,
) -> anyhow::Result<Value> {
    let space = (problem.space)();
    let mut study = Study::new(plan(space.clone(), sampler, seed, finished + asks, 1)?);
    let mut running = VecDeque::new();
    for _ in 0..finished {
        running.extend(study.ask().0);
        let Some((number, assignment)) = running.pop_front() else { break };
        let (value, _) = problem.evaluate(&problems::point(&assignment), seed, number)?;
        study.tell(number, &[value]);
    }
    study.widen(asks);
    let place = |(name, value): &(String, trimtab_engine::Value)| {
        space.parameter(name).and_then(|parameter| parameter.domain.to_unit(value)).unwrap_or(f64::NAN)
    };
    let points: Vec<Vec<f64>> =
        study.ask().0.iter().map(|(_, assignment)| assignment.values.iter().map(place).collect()).collect();
    Ok(json!({"kind": "spread", "problem": problem.name, "sampler": format!("trimtab {name}"), "seed": seed,
        "finished": finished, "points": points}))
}

/// Reads such lines, ours and peers', and prints a table: of the points asked for at once, how many are a copy of another, the
/// smallest distance of two, and the centred discrepancy (Hickernell 1998), each the mean over the seeds.
pub(crate) fn table(lines: impl BufRead) -> anyhow::Result<String> {
    let mut groups: BTreeMap<(u64, String), Vec<[f64; 3]>> = BTreeMap::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let points: Vec<Vec<f64>> = serde_json::from_value(line["points"].clone())?;
        let finished = line["finished"].as_u64().context("no `finished`")?;
        let sampler = line["sampler"].as_str().context("no `sampler`")?.to_owned();
        groups.entry((finished, sampler)).or_default().push(measures(&points));
    }
    let mut out = "| finished | sampler | seeds | copies | smallest distance | discrepancy |\n".to_owned();
    out.push_str(&format!("|{}\n", " --- |".repeat(6)));
    for ((finished, sampler), seeds) in groups {
        let mean = |at: usize| seeds.iter().map(|measures| measures[at]).sum::<f64>() / seeds.len() as f64;
        let cells = format!("{:.2} | {:.3} | {:.3}", mean(0), mean(1), mean(2));
        out.push_str(&format!("| {finished} | {sampler} | {} | {cells} |\n", seeds.len()));
    }
    Ok(out)
}

fn measures(points: &[Vec<f64>]) -> [f64; 3] {
    let pairs = points.iter().enumerate().flat_map(|(at, a)| points[..at].iter().map(move |b| (a, b)));
    let distance = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let distances: Vec<f64> = pairs.map(distance).collect();
    let copies = distances.iter().filter(|distance| **distance == 0.0).count();
    [copies as f64, distances.iter().copied().fold(f64::INFINITY, f64::min), discrepancy(points)]
}

/// The centred discrepancy of points in the unit cube: 0 would be perfectly even.
fn discrepancy(points: &[Vec<f64>]) -> f64 {
    let count = points.len() as f64;
    let away = |x: &f64| (x - 0.5).abs();
    let own = |x: &f64| 1.0 + away(x) / 2.0 - away(x).powi(2) / 2.0;
    let both = |(a, b): (&f64, &f64)| 1.0 + away(a) / 2.0 + away(b) / 2.0 - (a - b).abs() / 2.0;
    let whole: f64 = points.first().into_iter().flatten().map(|_| 13.0 / 12.0).product();
    let singles: f64 = points.iter().map(|point| point.iter().map(own).product::<f64>()).sum();
    let pairs = points.iter().flat_map(|a| points.iter().map(move |b| (a, b)));
    let pairs: f64 = pairs.map(|(a, b)| a.iter().zip(b).map(both).product::<f64>()).sum();
    (whole - 2.0 / count * singles + pairs / count.powi(2)).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discrepancy_is_what_scipy_says() {
        // scipy.stats.qmc.discrepancy(points, method="CD") is the square.
        let points = [[0.1, 0.2], [0.7, 0.9], [0.4, 0.5], [0.9, 0.3]].map(|point| point.to_vec());
        assert!(
            (discrepancy(&points).powi(2) - 0.027_711_111_111_111).abs() < 1e-12,
            "{}",
            discrepancy(&points).powi(2)
        );
        let same = vec![vec![0.5; 3]; 16];
        assert!(discrepancy(&same) > 0.3);
        assert_eq!(measures(&same)[..2], [120.0, 0.0]);
    }
}
