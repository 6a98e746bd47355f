//! How soon each method reaches what random search reaches with many full trainings, on trainings that were recorded.
//!
//! A tabular benchmark (Klein and Hutter, arXiv 1905.04970): the space is that of the recorded configurations, so that every proposal is one of
//! them and nothing is interpolated. A training that failed fails in the epoch in which it did. The goal is what random search has
//! seen after so many full trainings, in the median over the seeds; a method has reached it with the first epoch of any run that
//! shows it. What is paid until then is counted in epochs and in the processor's seconds, a run's start among them.

use trimtab_engine::safety::correlation;

use crate::play::{Method, Run, Trained, drive, study};
use crate::table::Table;

/// How many full trainings random search has for the accuracy that is to be reached.
const TRAININGS: u32 = 32;

/// A study that has not reached it after so many full trainings is given up.
const GIVEN_UP: u32 = 200;

/// What a study paid, and the best accuracy that it saw.
#[derive(Clone, Copy, Debug, Default)]
struct Paid {
    epochs: u64,
    seconds: f64,
    best: f64,
}

/// Plays one study until it has seen this accuracy or is over.
fn play(table: &Table, method: Method, resumable: bool, trainings: u32, seed: u64, goal: f64) -> Result<Paid, String> {
    let plan = study(table.ground(), method, resumable, trainings, seed, 1)?;
    let mut paid = Paid::default();
    let mut missing = false;
    drive(&plan, |run: &Run<'_>| {
        let Some(training) = table.training(run.parameters) else {
            missing = true;
            return None;
        };
        let (from, to) = (if resumable { run.from } else { 0 }, plan.fidelity(run.level));
        paid.seconds += training.start;
        let (before, mut failed) = (paid.epochs, false);
        for epoch in from..to {
            paid.epochs += 1;
            paid.seconds += training.epoch;
            let Some(&best) = training.best.get(epoch as usize) else {
                failed = true;
                break;
            };
            paid.best = paid.best.max(best);
            if paid.best >= goal {
                return None;
            }
        }
        let values = (0..=run.level).map_while(|level| training.values(plan.fidelity(level))).collect();
        Some(Trained { values, paid: paid.epochs - before, failed })
    });
    if missing { Err("a proposal is not in the table".to_owned()) } else { Ok(paid) }
}

/// The lower quartile, the median and the upper quartile.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values.get(values.len() * quarter / 4).copied().unwrap_or(f64::NAN))
}

/// As JSON; what was never reached has no number there.
fn list(values: [f64; 3]) -> String {
    let texts = values.map(|value| if value.is_finite() { format!("{value:.1}") } else { "null".to_owned() });
    format!("[{}]", texts.join(", "))
}

/// How well the ranks of all recorded trainings after so many epochs agree with those at the end.
fn agreement(table: &Table) {
    let Some(last) = table.trainings().map(|training| training.best.len()).max() else { return };
    for epoch in [1, 3, 9] {
        let at = |epoch: usize| move |best: &Vec<f64>| best.get(epoch - 1).map(|value| -value);
        let complete = table.trainings().map(|training| &training.best);
        let pairs: Vec<(f64, f64)> = complete.filter_map(|best| Some((at(epoch)(best)?, at(last)(best)?))).collect();
        if let Some(found) = correlation(0, 1, &pairs) {
            let estimate = found.estimate;
            println!(
                "{{\"rankCorrelationWithTheEnd\": {estimate:.3}, \"epoch\": {epoch}, \"trainings\": {}}}",
                pairs.len()
            );
        }
    }
}

/// Replays all methods, or the one of this name, and prints a line of JSON for each and what is paid for.
///
/// # Errors
/// What is wrong with the table, or why there is no such study.
pub(crate) fn measure(seeds: u64, wanted: Option<&str>) -> Result<(), String> {
    let table = Table::recorded()?;
    agreement(&table);
    let played = |method, resumable, trainings, goal| -> Result<Vec<Paid>, String> {
        (0..seeds).map(|seed| play(&table, method, resumable, trainings, seed, goal)).collect()
    };
    let best = played(Method::Random, true, TRAININGS, f64::INFINITY)?.iter().map(|paid| paid.best).collect();
    let [low, goal, high] = quartiles(best);
    let reach = table.trainings().filter(|training| training.best.last().is_some_and(|best| *best >= goal));
    let (reach, all) = (reach.count(), table.trainings().count());
    println!(
        "{{\"goal\": {goal}, \"quartiles\": [{low}, {high}], \"trainings\": {TRAININGS}, \"reachIt\": {reach}, \"of\": {all}}}"
    );
    let mut random = None;
    for method in Method::ALL {
        for resumable in [true, false] {
            // Random search is what the others are held against, and resumes nothing.
            if method != Method::Random && wanted.is_some_and(|name| name != method.name())
                || method == Method::Random && !resumable
            {
                continue;
            }
            let paid = played(method, resumable, GIVEN_UP, goal)?;
            let reached = paid.iter().filter(|paid| paid.best >= goal).count();
            let until = |of: fn(&Paid) -> f64| {
                quartiles(paid.iter().map(|paid| if paid.best >= goal { of(paid) } else { f64::INFINITY }).collect())
            };
            let (epochs, seconds) = (until(|paid| paid.epochs as f64), until(|paid| paid.seconds));
            let (base_epochs, base_seconds) = *random.get_or_insert((epochs[1], seconds[1]));
            let accounted = if resumable { "resumed" } else { "restarted" };
            println!(
                "{{\"method\": \"{}\", \"accounted\": \"{accounted}\", \"epochs\": {}, \"seconds\": {}, \
                 \"fewerEpochs\": {:.2}, \"fewerSeconds\": {:.2}, \"reached\": {reached}, \"seeds\": {seeds}}}",
                method.name(),
                list(epochs),
                list(seconds),
                base_epochs / epochs[1],
                base_seconds / seconds[1],
            );
        }
    }
    Ok(())
}
