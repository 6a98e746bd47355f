//! Trainings that were recorded: configurations of a grid, with what each epoch reached and cost. Those of the grid that were not recorded are
//! excluded by constraints.

use trimtab_engine::expression::MAX_CONSTRAINTS;
use trimtab_engine::space::Enumeration;
use trimtab_engine::{Assignment, Domain, FidelityRange, Goal, Objective, Parameter, Reduce, Space, Value, Values};

use crate::play::Ground;

/// What `record.py` wrote.
const RECORD: &str = include_str!("../fashion-mnist.csv");

/// One configuration's training.
#[derive(Clone, Debug)]
pub(crate) struct Training {
    /// The processor's seconds before the first epoch of a run.
    pub(crate) start: f64,
    /// The processor's seconds for an epoch.
    pub(crate) epoch: f64,
    /// The best accuracy up to each epoch, until all are over or the training has failed.
    pub(crate) best: Vec<f64>,
    accuracies: Vec<f64>,
}

impl Training {
    /// What it has reported up to an epoch, if it came so far.
    pub(crate) fn values(&self, epoch: u32) -> Option<Values> {
        let so_far = self.accuracies.get(..epoch as usize)?;
        let (&last, &best) = (so_far.last()?, self.best.get(so_far.len() - 1)?);
        Some(Values { last, best, mean: so_far.iter().sum::<f64>() / f64::from(epoch), count: epoch })
    }
}

/// The recorded trainings of a whole grid.
pub(crate) struct Table {
    space: Space,
    epochs: u32,
    numbers: Enumeration,
    /// By the number of the configuration.
    trainings: Vec<Option<Training>>,
    constraints: Vec<String>,
}

impl Table {
    /// The recorded table.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn recorded() -> Result<Self, String> {
        let mut lines = RECORD.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().unwrap_or_default();
        let count = header.iter().position(|name| *name == "start").ok_or("the table has no column `start`")?;
        let (names, epochs) = (header.get(..count).unwrap_or_default(), header.len() - count - 2);
        let rows: Vec<Vec<&str>> = lines.collect();
        if let Some(row) = rows.iter().find(|row| row.len() != header.len()) {
            return Err(format!("`{}` does not have the columns of the header", row.join(",")));
        }
        let parameter = |(at, name): (usize, &&str)| {
            let texts = rows.iter().filter_map(|row| row.get(at)).copied();
            Parameter { name: (*name).to_owned(), domain: domain(texts), when: Vec::new() }
        };
        let space = Space { parameters: names.iter().enumerate().map(parameter).collect() };
        let numbers = Enumeration::new(&space, None).ok_or("the table's space is not finite")?;
        let size = usize::try_from(numbers.size()).map_err(|_| "the table's space is too large")?;
        let mut trainings: Vec<Option<Training>> = vec![None; size];
        for row in &rows {
            let assignment =
                Assignment::from_texts(&space, names.iter().copied().zip(row.iter().copied().take(count)))?;
            let place =
                numbers.number_of(&assignment).and_then(|number| trainings.get_mut(usize::try_from(number).ok()?));
            *place.ok_or("a row is not of the grid")? = Some(training(row.get(count..).unwrap_or_default())?);
        }
        let missing = trainings.iter().zip(0..).filter(|(training, _)| training.is_none());
        let missing: Vec<String> = missing.filter_map(|(_, number)| numbers.at(number)).map(|x| this(&x)).collect();
        let constraints = missing.chunks(missing.len().div_ceil(MAX_CONSTRAINTS).max(1));
        let constraints = constraints.map(|some| format!("!({})", some.join(" || "))).collect();
        let epochs = u32::try_from(epochs).map_err(|_| "too many epochs")?;
        Ok(Self { space, epochs, numbers, trainings, constraints })
    }

    /// The search that the table answers.
    pub(crate) fn ground(&self) -> Ground {
        Ground {
            objective: Objective { metric: "val_accuracy".to_owned(), goal: Goal::Maximize, reduce: Reduce::Best },
            space: self.space.clone(),
            fidelity: FidelityRange { min: 1, max: self.epochs },
            constraints: self.constraints.clone(),
        }
    }

    /// The training of a configuration.
    pub(crate) fn training(&self, assignment: &Assignment) -> Option<&Training> {
        self.trainings.get(usize::try_from(self.numbers.number_of(assignment)?).ok()?)?.as_ref()
    }

    /// All of them.
    pub(crate) fn trainings(&self) -> impl Iterator<Item = &Training> {
        self.trainings.iter().flatten()
    }
}

/// What holds of this configuration and of no other.
fn this(assignment: &Assignment) -> String {
    let same = |(name, value): &(String, Value)| match value {
        Value::Choice(choice) => format!("{name} == '{choice}'"),
        Value::Float(_) | Value::Int(_) => format!("{name} == {value}"),
    };
    assignment.values.iter().map(same).collect::<Vec<_>>().join(" && ")
}

/// Numbers in their order where all are numbers, else names.
fn domain<'a>(texts: impl Iterator<Item = &'a str>) -> Domain {
    let mut choices: Vec<String> = texts.map(str::to_owned).collect();
    choices.sort_unstable();
    choices.dedup();
    let numbers: Option<Vec<f64>> = choices.iter().map(|text| text.parse().ok()).collect();
    match numbers {
        Some(mut values) => {
            values.sort_by(f64::total_cmp);
            Domain::Ordinal { values }
        }
        None => Domain::Categorical { choices },
    }
}

/// Of the cells `start`, `epoch` and each epoch's accuracy. What is empty or no number was not reached.
fn training(cells: &[&str]) -> Result<Training, String> {
    let number = |text: &str| text.parse::<f64>().map_err(|_| format!("`{text}` is no number"));
    let [start, epoch, reached @ ..] = cells else { return Err("a row is too short".to_owned()) };
    let accuracies: Vec<f64> = reached.iter().map_while(|text| number(text).ok().filter(|x| x.is_finite())).collect();
    let best = accuracies.iter().scan(0.0, |best: &mut f64, &accuracy| {
        *best = best.max(accuracy);
        Some(*best)
    });
    Ok(Training { start: number(start)?, epoch: number(epoch)?, best: best.collect(), accuracies })
}
