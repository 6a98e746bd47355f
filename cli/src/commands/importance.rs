//! `trimtab importance`: how much each parameter matters.

use clap::Args;

use crate::account::unit;
use crate::error::Error;
use crate::output::Output;
use crate::record::Place;
use crate::report::{ImportanceAccount, importances};
use crate::table::Table;
use crate::{Exit, output};

/// Of which Study, and how.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

/// Prints the shares of each objective.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let record = options.place.read()?;
    let found: Vec<ImportanceAccount> = importances(&record).into_iter().flatten().collect();
    if found.is_empty() {
        output::complain(&format!(
            "the Study `{}` has too few trials with a value: it takes {}",
            options.place.study,
            trimtab_engine::importance::FEWEST_TRIALS
        ));
        return Ok(Exit::No);
    }
    options.output.answer(&found, || {
        let texts: Vec<String> = found.iter().map(|found| table(found, unit(&record.study))).collect();
        texts.join("\n")
    })?;
    Ok(Exit::Yes)
}

fn table(found: &ImportanceAccount, unit: &str) -> String {
    let mut shares: Vec<(f64, &str)> = found.shares.iter().map(|one| (one.share, one.parameter.as_str())).collect();
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut table = Table::new(&["PARAMETER", "SHARE"]);
    for (share, parameter) in shares {
        table.row(vec![parameter.to_owned(), format!("{:.1} %", 100.0 * share)]);
    }
    let ImportanceAccount { metric, level, trials, best, .. } = found;
    format!("{metric} at {unit} {level}: what tells the best {best} of {trials} trials from all\n\n{}", table.render(0))
}
