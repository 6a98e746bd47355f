//! Regret at equal resource, over many seeds, accounted both as resumed and as restarted.
//!
//! `cargo run --release -p trimtab-bench-schedulers -- [SEEDS [TRAININGS]]` prints one line of JSON for each figure.

mod play;
mod problem;

use play::{Method, play};
use problem::Problem;

fn main() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| -> Result<u64, String> {
        arguments.next().map_or(Ok(default), |text| text.parse().map_err(|_| format!("`{text}` is no number")))
    };
    let seeds = number(300)?.max(2);
    let trainings = u32::try_from(number(40)?).map_err(|_| "too many trainings".to_owned())?;
    for problem in Problem::ALL {
        for method in Method::ALL {
            for resumable in [true, false] {
                let begun = std::time::Instant::now();
                let regrets: Vec<f64> = (0..seeds)
                    .map(|seed| play(problem, method, resumable, trainings, seed))
                    .collect::<Result<_, _>>()?;
                let count = seeds as f64;
                let mean = regrets.iter().sum::<f64>() / count;
                let variance = regrets.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / (count - 1.0);
                let accounted = if resumable { "resumed" } else { "restarted" };
                println!(
                    "{{\"problem\": \"{}\", \"method\": \"{}\", \"accounted\": \"{accounted}\", \"mean\": {mean:.4}, \
                     \"halfWidth95\": {:.4}, \"seeds\": {seeds}, \"trainings\": {trainings}, \"secondsPerStudy\": {:.4}}}",
                    problem.name(),
                    method.name(),
                    1.96 * (variance / count).sqrt(),
                    begun.elapsed().as_secs_f64() / count,
                );
            }
        }
    }
    Ok(())
}
