//! `trimtab import`: what `export` wrote, or a table, becomes a study again.
//!
//! A whole record becomes a study of this machine, with the same numbers and decisions. A table has no decisions in it, and a cluster takes
//! no record from outside; there, configurations become what a Study begins with.

mod csv;

use std::path::{Path, PathBuf};

use clap::Args;
use kube::ResourceExt;
use trimtab_api::Study;
use trimtab_api::study::{Goal, ParameterValue};
use trimtab_engine::Plan;
use trimtab_local::Folder;
use trimtab_local::import::{Arrival, Luggage, import};

use crate::check::{self, Checker, Verdict};
use crate::error::Error;
use crate::home::Home;
use crate::starting::{self, Found};
use crate::{Exit, output, record, source, standing};

/// What, and where to.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What `trimtab export` or `kubectl get studies,trials -o yaml` wrote: it becomes a local study. With --study, a table: what is
    /// best in it becomes what that Study begins with; `-` is standard input.
    file: PathBuf,
    /// The program to run instead of the container's image, as with `run`.
    #[arg(last = true, value_name = "PROGRAM")]
    program: Vec<String>,
    #[command(flatten)]
    home: Home,
    /// The Study's name, where the file has several.
    #[arg(long, value_name = "NAME", conflicts_with = "study")]
    name: Option<String>,
    /// The contents of the cluster's checkpoint volume: trials that rest go on from there, instead of from zero.
    #[arg(long, value_name = "FOLDER", conflicts_with = "study")]
    checkpoints: Option<PathBuf>,
    /// A Study's file. It is printed with the table's best configurations as its starting points, for `run` or `kubectl apply`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["folder", "program"])]
    study: Option<PathBuf>,
    /// How many configurations of a table are taken.
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=50), requires = "study")]
    best: u32,
}

/// Imports.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    match &options.study {
        Some(file) => table(options, file),
        None => whole(options),
    }
}

fn whole(options: &Options) -> Result<Exit, Error> {
    let record = record::read(std::slice::from_ref(&options.file), options.name.as_deref(), None)?;
    record.problems.iter().for_each(|problem| output::complain(&format!("warning: {problem}")));
    let name = record.study.name_any();
    let folder = options.home.of(&name);
    let shown = folder.root().display().to_string();
    let is_at_work = standing::end(&record.study).is_none()
        && record.study.status.as_ref().and_then(|status| status.state.as_deref()) == Some("Running");
    let luggage = Luggage {
        study: record.study,
        trials: record.trials,
        program: options.program.clone(),
        directory: std::env::current_dir().map_err(|error| Error::Read { file: ".".to_owned(), error })?,
        checkpoints: options.checkpoints.clone(),
    };
    let arrival = import(luggage, &folder)?;
    warn(&arrival, is_at_work);
    let called = if folder == Folder::named(&name) { &name } else { &shown };
    output::print(&format!(
        "{name} is in {shown}: {} trials, with all that was decided; `trimtab resume {called}` goes on, `trimtab show {called}` shows them\n",
        arrival.trials
    ))?;
    Ok(Exit::Yes)
}

fn warn(arrival: &Arrival, is_at_work: bool) {
    let Arrival { interrupted, resumable, restarted, .. } = arrival;
    if is_at_work {
        output::complain(
            "warning: it was at work when it was written down. Suspend it there, or both go on with the same numbers and know nothing of each other",
        );
    }
    let told = [
        (interrupted, "had a run that had not ended: it is interrupted here"),
        (resumable, "can go on from checkpoints that were brought along"),
        (restarted, "had a checkpoint that is not here (see --checkpoints): going on means from zero"),
    ];
    for (trials, words) in told.into_iter().filter(|(trials, _)| !trials.is_empty()) {
        let numbers: Vec<_> = trials.iter().map(u32::to_string).collect();
        let word = if trials.len() == 1 { "trial" } else { "trials" };
        output::complain(&format!("{word} {} {words}", numbers.join(", ")));
    }
}

fn table(options: &Options, file: &Path) -> Result<Exit, Error> {
    let source = source::read(&options.file)?;
    let table = csv::parse(&source.name, &source.text)?;
    let text = source::read(file)?;
    let checker = Checker::new()?;
    let studies = check::documents(&text.text).into_iter().filter_map(|document| match checker.check(&document) {
        Verdict::Valid(valid) => Some(*valid),
        _ => None,
    });
    let studies: Vec<_> = studies.collect();
    let [(study, plan)] = studies.as_slice() else {
        return Err(Error::Usage(format!(
            "{} must have one valid Study (it has {}): `trimtab validate {}` says more",
            text.name,
            studies.len(),
            text.name
        )));
    };
    let found = configurations(&source.name, &table, study, plan)?;
    let (study, added) = starting::study(study, &found, usize::try_from(options.best).unwrap_or(usize::MAX))?;
    let comment = format!(
        "Of {} configurations of {}, the best {added} are tried first. Their values are not taken over: they are measured again.",
        found.len(),
        source.name
    );
    output::print(&starting::manifest(&study, &comment)?)?;
    Ok(Exit::Yes)
}

/// The configurations of a table, best first where it says what came of them.
fn configurations(file: &str, table: &csv::Csv, study: &Study, plan: &Plan) -> Result<Vec<Found>, Error> {
    let place = |name: &str| table.headings.iter().position(|heading| heading == name);
    let space = &plan.spec().space.parameters;
    if space.iter().all(|parameter| place(&parameter.name).is_none()) {
        let known: Vec<_> = space.iter().map(|parameter| parameter.name.as_str()).collect();
        let words = format!("names no parameter of the Study; its parameters are {}", known.join(", "));
        return Err(Error::Table { file: file.to_owned(), line: 1, message: words });
    }
    let metric = study.spec.objectives.first().map(|objective| objective.metric.as_str()).unwrap_or_default();
    // As `export` calls it, or by the metric's own name.
    let (value, level) = (place("value").or_else(|| place(metric)), place("level"));
    let mut found = Vec::new();
    for (line, row) in &table.rows {
        let field = |place: Option<usize>| place.and_then(|place| row.get(place)).map(String::as_str);
        let mut parameters = Vec::new();
        for parameter in space {
            // An empty field is a parameter that the configuration does not have.
            let Some(text) = field(place(&parameter.name)).filter(|text| !text.is_empty()) else { continue };
            if let Err(why) = parameter.parse(text) {
                let message = format!("`{}` {why}", parameter.name);
                return Err(Error::Table { file: file.to_owned(), line: *line, message });
            }
            parameters.push(ParameterValue { name: parameter.name.clone(), value: text.to_owned() });
        }
        let value = if value.is_some() { starting::value(field(value).unwrap_or_default()) } else { 0.0 };
        let level = field(level).and_then(|text| text.parse().ok()).unwrap_or_default();
        found.push(Found { parameters, level, value });
    }
    starting::rank(&mut found, study.spec.objectives.first().map_or(Goal::Minimize, |objective| objective.goal));
    Ok(found)
}
