//! Plays seeds: `cargo run -p trimtab-simulation --release -- --seeds 0..20000`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use clap::Parser;
use serde_json::Value;
use trimtab_simulation::planted::Planted;
use trimtab_simulation::rules::Rules;
use trimtab_simulation::setting::Setting;
use trimtab_simulation::simulation::{Summary, Violation, play};

/// Plays whole studies on a virtual clock with seeded faults.
#[derive(Debug, Parser)]
struct Arguments {
    /// Seeds to play, such as `0..20000`.
    #[arg(long, default_value = "0..1000", value_parser = range)]
    seeds: Range<u64>,
    /// Plays one seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Prints everything that happens in that seed.
    #[arg(long)]
    trace: bool,
    /// Plays only seeds with a study whose definition holds this word, such as `percentile` or `Tournament`.
    #[arg(long)]
    only: Option<String>,
    /// Plants a bug by its name, or `all`: each must be found.
    #[arg(long)]
    planted: Option<String>,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: u64,
    /// Goes on after a violation, and lists all.
    #[arg(long)]
    keep_going: bool,
    /// Plays each seed twice and compares.
    #[arg(long)]
    twice: bool,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("must be such as 0..1000")?;
    let number = |t: &str| t.parse::<u64>().map_err(|e| e.to_string());
    Ok(number(from)?..number(to)?)
}

fn rules() -> anyhow::Result<Rules> {
    let definitions: Vec<Value> =
        trimtab_api::schema::crds()?.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    Rules::new(&definitions).map_err(|why| anyhow!(why))
}

fn main() -> anyhow::Result<()> {
    // A panic in a reconcile is caught and told as a violation; its message alone is enough.
    let arguments = Arguments::parse();
    if let Some(seed) = arguments.seed {
        let planted =
            arguments.planted.as_deref().map(|name| Planted::named(name).context("no such planted bug")).transpose()?;
        return match play(seed, &rules()?, planted, true, arguments.trace) {
            Ok(summary) => {
                println!("seed {seed}: {summary:?}");
                Ok(())
            }
            Err(violation) => {
                tell(&violation);
                std::process::exit(1)
            }
        };
    }
    match arguments.planted.as_deref() {
        None => {
            let found = sweep(&arguments, None)?;
            if !found.is_empty() {
                println!("{} seeds fail", found.len());
                std::process::exit(1);
            }
            Ok(())
        }
        Some("all") => {
            for (name, planted) in Planted::ALL {
                report(name, sweep(&arguments, Some(planted))?)?;
            }
            Ok(())
        }
        Some(name) => report(name, sweep(&arguments, Some(Planted::named(name).context("no such planted bug")?))?),
    }
}

fn report(name: &str, found: Vec<Violation>) -> anyhow::Result<()> {
    match found.first() {
        Some(violation) => {
            println!(
                "planted {name}: found by seed {}: {}",
                violation.seed,
                violation.what.chars().take(300).collect::<String>()
            );
            Ok(())
        }
        None => bail!("planted {name} was not found"),
    }
}

fn tell(violation: &Violation) {
    for line in violation.trace.iter().rev().take(60).rev() {
        println!("{}", line.chars().take(600).collect::<String>());
    }
    println!("seed {} at {} ms: {}", violation.seed, violation.at, violation.what);
}

fn sweep(arguments: &Arguments, planted: Option<Planted>) -> anyhow::Result<Vec<Violation>> {
    let next = AtomicU64::new(arguments.seeds.start);
    let stop = AtomicBool::new(false);
    let found: Mutex<BTreeMap<u64, Violation>> = Mutex::default();
    let total: Mutex<(u64, Summary, (u64, u64))> = Mutex::default();
    let begun = Instant::now();
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let workers: Vec<_> = (0..arguments.threads)
            .map(|_| {
                scope.spawn(|| -> anyhow::Result<()> {
                    let rules = rules()?;
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= arguments.seeds.end || stop.load(Ordering::Relaxed) {
                            return Ok(());
                        }
                        if arguments.only.as_ref().is_some_and(|word| !Setting::new(seed).mentions(word)) {
                            continue;
                        }
                        let mut played = play(seed, &rules, planted, false, false);
                        if arguments.twice
                            && let Ok(first) = &played
                        {
                            match play(seed, &rules, planted, false, false) {
                                Ok(second) if second == *first => {}
                                other => {
                                    let what = format!("a seed plays in two ways: {first:?} and {other:?}");
                                    played = Err(Box::new(Violation { seed, what, at: 0, trace: Vec::new() }));
                                }
                            }
                        }
                        match played {
                            Ok(summary) => {
                                let mut total = total.lock().map_err(|_| anyhow!("poisoned"))?;
                                total.0 += 1;
                                add(&mut total.1, &summary);
                                if summary.events > total.2.1 {
                                    total.2 = (seed, summary.events);
                                }
                            }
                            Err(violation) => {
                                if !arguments.keep_going {
                                    stop.store(true, Ordering::Relaxed);
                                }
                                if planted.is_none() {
                                    println!(
                                        "seed {} fails: {}",
                                        violation.seed,
                                        violation.what.chars().take(400).collect::<String>()
                                    );
                                }
                                found.lock().map_err(|_| anyhow!("poisoned"))?.insert(seed, *violation);
                            }
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.join().map_err(|_| anyhow!("a thread died"))??;
        }
        Ok(())
    })?;
    let (played, total, longest) = total.into_inner().map_err(|_| anyhow!("poisoned"))?;
    let seconds = begun.elapsed().as_secs_f64();
    if planted.is_none() {
        println!(
            "{played} seeds in {seconds:.1} s ({:.1} a second; the longest, {}, has {} events): {} events, {} requests, {} writes, {} lives, {} batches, {} trials, {} late Jobs, {:.0} virtual hours",
            played as f64 / seconds,
            longest.0,
            longest.1,
            total.events,
            total.requests,
            total.writes,
            total.lives,
            total.batches,
            total.trials,
            total.late,
            total.time as f64 / 3.6e6
        );
    }
    let found: Vec<Violation> = found.into_inner().map_err(|_| anyhow!("poisoned"))?.into_values().collect();
    if let (Some(first), None) = (found.first(), planted) {
        // A world is deterministic, so it is played again to tell how it came to this.
        if let Err(violation) = play(first.seed, &rules()?, planted, true, false) {
            tell(&violation);
        }
    }
    Ok(found)
}

fn add(total: &mut Summary, one: &Summary) {
    total.events += one.events;
    total.requests += one.requests;
    total.writes += one.writes;
    total.lives += one.lives;
    total.batches += one.batches;
    total.trials += one.trials;
    total.late += one.late;
    total.time += one.time;
}
