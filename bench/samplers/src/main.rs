//! Samplers on test problems: what `bench/samplers/compare.py` runs. Everything is printed as JSON, one object a line.
#![expect(clippy::cast_precision_loss, reason = "counts are small")]

mod fronts;
mod functions;
mod problems;
mod samplers;
mod study;

use std::io::{BufRead as _, Write as _};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use serde_json::{Value, json};

/// Samplers on test problems.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the problems with their spaces.
    Problems,
    /// Run studies, and print each with the values in the order of the tells.
    Run {
        /// The problems; left out: all of one objective.
        #[arg(long, value_delimiter = ',')]
        problems: Vec<String>,
        /// The samplers.
        #[arg(long, value_delimiter = ',', default_value = "random")]
        samplers: Vec<String>,
        /// The first seed.
        #[arg(long, default_value_t = 0)]
        first: u64,
        /// How many seeds.
        #[arg(long, default_value_t = 30)]
        seeds: u64,
        /// Trials a study.
        #[arg(long, default_value_t = 100)]
        trials: u32,
        /// How many trials run at once.
        #[arg(long, default_value_t = 1)]
        workers: u32,
    },
    /// Read runs on problems of several objectives, and print what share of the front's hypervolume they cover.
    Fronts {
        /// After how many trials.
        #[arg(long, value_delimiter = ',', default_value = "50,100,200")]
        after: Vec<usize>,
    },
    /// Measure the seconds that an ask takes after so many finished trials.
    Speed {
        /// The problem.
        #[arg(long, default_value = "mixed10")]
        problem: String,
        /// The samplers.
        #[arg(long, value_delimiter = ',', default_value = "random")]
        samplers: Vec<String>,
        /// How many trials have finished.
        #[arg(long, value_delimiter = ',', default_value = "100,1000,5000,10000")]
        finished: Vec<u32>,
        /// Asks per measurement.
        #[arg(long, default_value_t = 9)]
        asks: u32,
    },
    /// Evaluate configurations that come one a line: `{"problem", "seed", "number", "values": {name: value}}`.
    Evaluate,
}

fn main() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match Arguments::parse().command {
        Command::Problems => {
            for problem in &problems::PROBLEMS {
                writeln!(out, "{}", problem.describe())?;
            }
            for problem in &fronts::PROBLEMS {
                writeln!(out, "{}", problem.describe())?;
            }
        }
        Command::Run { problems, samplers, first, seeds, trials, workers } => {
            let all = problems::PROBLEMS.iter().map(|problem| problem.name.to_owned()).collect();
            for problem in if problems.is_empty() { all } else { problems } {
                let front = fronts::by_name(&problem);
                for name in &samplers {
                    let sampler = samplers::by_name(name)?;
                    for seed in first..first + seeds {
                        let run = match front {
                            Some(problem) => fronts::run(problem, (name, sampler), seed, trials, workers)?,
                            None => study::run(problems::by_name(&problem)?, (name, sampler), seed, trials, workers)?,
                        };
                        writeln!(out, "{run}")?;
                    }
                }
            }
        }
        Command::Fronts { after } => {
            write!(out, "{}", fronts::table(std::io::stdin().lock(), &after)?)?;
        }
        Command::Speed { problem, samplers, finished, asks } => {
            let problem = problems::by_name(&problem)?;
            for name in &samplers {
                let sampler = samplers::by_name(name)?;
                for &finished in &finished {
                    writeln!(out, "{}", study::speed(problem, (name, sampler), finished, asks)?)?;
                    out.flush()?;
                }
            }
        }
        Command::Evaluate => {
            for line in std::io::stdin().lock().lines() {
                writeln!(out, "{}", evaluate(&line?)?)?;
                out.flush()?;
            }
        }
    }
    Ok(())
}

fn evaluate(line: &str) -> anyhow::Result<Value> {
    let question: Value = serde_json::from_str(line)?;
    let name = question["problem"].as_str().context("no `problem`")?;
    let point = question["values"].as_object().context("no `values`")?;
    if let Some(front) = fronts::by_name(name) {
        let values = front.evaluate(point)?;
        return Ok(json!({"value": values, "truth": values}));
    }
    let problem = problems::by_name(name)?;
    let seed = question["seed"].as_u64().context("no `seed`")?;
    let number = question["number"].as_u64().context("no `number`")?;
    let (value, truth) = problem.evaluate(point, seed, u32::try_from(number)?)?;
    Ok(json!({"value": value, "truth": truth}))
}
