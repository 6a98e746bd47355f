//! Regret at equal resource, over many seeds, accounted both as resumed and as restarted.
//!
//! `cargo run --release -p trimtab-bench-schedulers -- [SEEDS [TRAININGS [PROBLEM [METHOD]]]]` prints one line of JSON for each figure;
//! with `decisions` instead it says how long decisions take, with `objects` how long they take from Studies and Trials, and with `workers [SEEDS [TRAININGS [PROBLEM [METHOD]]]]` how well 1, 8, 64 and 512
//! workers are kept busy, on a clock. `replay [SEEDS [METHOD]]` is on trainings that were recorded. `toy [SEEDS]` plays the toy of
//! population based training. `evaluate PROBLEM` is for peers.

mod decisions;
mod evaluate;
mod objects;
mod play;
mod problem;
mod replay;
mod table;
mod toy;
mod workers;

use play::{Method, Played, play};
use problem::Problem;

fn main() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_some_and(|word| word == "decisions") {
        return decisions::measure();
    }
    if arguments.peek().is_some_and(|word| word == "objects") {
        return objects::measure();
    }
    if arguments.next_if(|word| word == "evaluate").is_some() {
        let name = arguments.next().unwrap_or_default();
        let problem = Problem::ALL.into_iter().find(|problem| problem.name() == name);
        return evaluate::serve(problem.ok_or_else(|| format!("`{name}` is no problem"))?);
    }
    if arguments.next_if(|word| word == "replay").is_some() {
        let seeds =
            arguments.next().map_or(Ok(500), |text| text.parse().map_err(|_| format!("`{text}` is no number")))?;
        return replay::measure(seeds, arguments.next().as_deref());
    }
    let is_toy = arguments.next_if(|word| word == "toy").is_some();
    let on_a_clock = arguments.next_if(|word| word == "workers").is_some();
    let mut number = |default: u64| -> Result<u64, String> {
        arguments.next().map_or(Ok(default), |text| text.parse().map_err(|_| format!("`{text}` is no number")))
    };
    let seeds = number(300)?.max(2);
    if is_toy {
        return toy::measure(seeds);
    }
    let trainings = u32::try_from(number(40)?).map_err(|_| "too many trainings".to_owned())?;
    let (wanted, method) = (arguments.next(), arguments.next());
    for problem in
        Problem::ALL.into_iter().filter(|problem| wanted.as_deref().is_none_or(|name| problem.name() == name))
    {
        for method in Method::ALL.into_iter().filter(|m| method.as_deref().is_none_or(|name| m.name() == name)) {
            if on_a_clock {
                for workers in [1, 8, 64, 512] {
                    time(problem, method, workers, trainings, seeds)?;
                }
                continue;
            }
            for resumable in [true, false] {
                measure(problem, method, resumable, trainings, seeds)?;
            }
        }
    }
    Ok(())
}

/// Plays all seeds of a case on a clock, and prints its figures.
fn time(problem: Problem, method: Method, workers: u32, trainings: u32, seeds: u64) -> Result<(), String> {
    let timed: Vec<workers::Timed> =
        (0..seeds).map(|seed| workers::time(problem, method, workers, trainings, seed)).collect::<Result<_, _>>()?;
    let mean = |of: fn(&workers::Timed) -> f64| timed.iter().map(of).sum::<f64>() / seeds as f64;
    let (makespan, busy, regret) = (mean(|t| t.makespan), mean(|t| t.busy), mean(|t| t.regret));
    let over = timed.iter().map(|t| t.makespan * f64::from(workers) / t.busy).sum::<f64>() / seeds as f64;
    let (problem, method) = (problem.name(), method.name());
    println!(
        "{{\"problem\": \"{problem}\", \"method\": \"{method}\", \"workers\": {workers}, \
         \"makespan\": {makespan:.1}, \"busy\": {busy:.1}, \"makespanOverIdeal\": {over:.3}, \
         \"meanRegret\": {regret:.4}, \"seeds\": {seeds}, \"trainings\": {trainings}}}"
    );
    Ok(())
}

/// Plays all seeds of a case, and prints its figures.
fn measure(problem: Problem, method: Method, resumable: bool, trainings: u32, seeds: u64) -> Result<(), String> {
    let begun = std::time::Instant::now();
    let played: Vec<Played> =
        (0..seeds).map(|seed| play(problem, method, resumable, trainings, seed)).collect::<Result<_, _>>()?;
    let count = seeds as f64;
    let mean = played.iter().map(|p| p.regret).sum::<f64>() / count;
    let variance = played.iter().map(|p| (p.regret - mean) * (p.regret - mean)).sum::<f64>() / (count - 1.0);
    let trials = played.iter().map(|p| f64::from(p.trials)).sum::<f64>() / count;
    let (problem, method) = (problem.name(), method.name());
    let accounted = if resumable { "resumed" } else { "restarted" };
    let (half, seconds) = (1.96 * (variance / count).sqrt(), begun.elapsed().as_secs_f64() / count);
    println!(
        "{{\"problem\": \"{problem}\", \"method\": \"{method}\", \"accounted\": \"{accounted}\", \
         \"meanRegret\": {mean:.4}, \"halfWidth95\": {half:.4}, \"meanTrials\": {trials:.1}, \
         \"seeds\": {seeds}, \"trainings\": {trainings}, \"secondsPerStudy\": {seconds:.4}}}"
    );
    Ok(())
}
