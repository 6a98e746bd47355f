//! Samplers on test problems: what `bench/samplers/compare.py` runs. Everything is printed as JSON, one object a line.
#![expect(clippy::cast_precision_loss, reason = "counts are small")]

mod fronts;
mod functions;
mod problems;
mod samplers;
mod slopes;
mod spread;
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
    /// Ask for many trials at once, and print where they are.
    Asks {
        /// The problem.
        #[arg(long, default_value = "hartmann6")]
        problem: String,
        /// The samplers.
        #[arg(long, value_delimiter = ',', default_value = "quasi-random,automatic,gaussian-process,tpe,random")]
        samplers: Vec<String>,
        /// After how many trials that were played one after the other.
        #[arg(long, value_delimiter = ',', default_value = "0,30")]
        finished: Vec<u32>,
        /// How many are asked for.
        #[arg(long, default_value_t = 16)]
        asks: u32,
        /// How many seeds.
        #[arg(long, default_value_t = 30)]
        seeds: u64,
    },
    /// Read such lines, and print a table of how far apart they are and how evenly they cover the cube.
    Spreads,
    /// Run studies on problems whose trials report gradients, and print the regret of each trial.
    Gradients {
        /// The problems; left out: all of them.
        #[arg(long, value_delimiter = ',')]
        problems: Vec<String>,
        /// The samplers.
        #[arg(long, value_delimiter = ',', default_value = "gradient,gaussian-process,tpe,cma-es,random")]
        samplers: Vec<String>,
        /// What trials say of gradients, to the sampler that follows them.
        #[arg(long, value_delimiter = ',', default_values_t = slopes::TOLD.map(str::to_owned))]
        told: Vec<String>,
        /// The first seed.
        #[arg(long, default_value_t = 0)]
        first: u64,
        /// How many seeds.
        #[arg(long, default_value_t = 30)]
        seeds: u64,
        /// Trials a study.
        #[arg(long, default_value_t = 60)]
        trials: u32,
        /// How many trials run at once.
        #[arg(long, default_value_t = 1)]
        workers: u32,
    },
    /// Read such runs, and print a table of how soon the regrets are small.
    Descents {
        /// After how many trials the regret is told.
        #[arg(long, value_delimiter = ',', default_value = "10,20,40,60")]
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
        Command::Asks { problem, samplers, finished, asks, seeds } => {
            let problem = problems::by_name(&problem)?;
            for name in &samplers {
                let sampler = samplers::by_name(name)?;
                for (&finished, seed) in finished.iter().flat_map(|at| (0..seeds).map(move |seed| (at, seed))) {
                    writeln!(out, "{}", spread::run(problem, (name, sampler), seed, finished, asks)?)?;
                }
            }
        }
        Command::Spreads => write!(out, "{}", spread::table(std::io::stdin().lock())?)?,
        Command::Gradients { problems, samplers, told, first, seeds, trials, workers } => {
            let all = slopes::PROBLEMS.iter().map(|problem| problem.name.to_owned()).collect();
            for problem in if problems.is_empty() { all } else { problems } {
                let problem = slopes::by_name(&problem)?;
                for name in &samplers {
                    let sampler = samplers::by_name(name)?;
                    // Nobody else looks at them.
                    let told = if name == "gradient" { told.as_slice() } else { told.get(..1).unwrap_or_default() };
                    for (told, seed) in
                        told.iter().flat_map(|told| (first..first + seeds).map(move |seed| (told, seed)))
                    {
                        let run = slopes::run(problem, (name, sampler), told, seed, trials, workers)?;
                        writeln!(out, "{run}")?;
                    }
                }
            }
        }
        Command::Descents { after } => {
            write!(out, "{}", slopes::table(std::io::stdin().lock(), &after)?)?;
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
