//! What is done besides training: `evaluate`, `predict` and `inspect` with a trained model, and `fetch`.

use std::io::Write;
use std::path::Path;

use burn::tensor::Device;

use crate::checkpoint::{self, Checkpoint};
use crate::data::{self, Inputs, Prediction, Preparation, Samples};
use crate::evaluation::Predictor;
use crate::fetch::{self, FASHION_MNIST};
use crate::loss::Distance;
use crate::metrics::Metric;
use crate::model_file::{self, Model};
use crate::report::{metric, remark};
use crate::run::{Ending, Error};
use crate::signals::Stop;
use crate::team::Team;

impl Model {
    fn predictor<'a>(&'a self, device: &'a Device, team: &'a Team) -> Predictor<'a> {
        let model_file::Description { architecture, preparation, .. } = &self.description;
        Predictor { network: &self.network, architecture, preparation, device, team }
    }
}

fn all(samples: &Samples) -> Vec<u32> {
    (0..samples.len() as u32).collect()
}

/// Measures the model in `model` on `data`: a line of all metrics, and for classes the confusion matrix as remarks.
///
/// # Errors
/// If the model or the data cannot be used.
pub fn evaluate(
    model: &Path,
    data: &Path,
    (device, team): (&Device, &Team),
    out: &mut dyn Write,
    stop: &Stop,
) -> Result<Ending, Error> {
    let model = model_file::read(model, device)?;
    let (samples, _) = data::read_other(data, &model.description.preparation, true)?;
    let rows = all(&samples);
    let Some(evaluation) = model.predictor(device, team).evaluate(&samples, &rows, Distance::Squared, stop) else {
        return Ok(Ending::Stopped(stop.signal().unwrap_or_default()));
    };
    remark(out, &format!("{} rows", rows.len()))?;
    let (classes, known) = match &model.description.preparation.target {
        Prediction::Classes { names, .. } => (Some(names), Metric::CLASSIFICATION.as_slice()),
        Prediction::Number { .. } => (None, Metric::REGRESSION.as_slice()),
    };
    let known = known.iter().copied().filter(|metric| metric.unfit(classes.map(Vec::len)).is_none());
    let top = classes.filter(|names| names.len() > 5).map(|_| Metric::Top(5));
    let fields: Vec<String> =
        known.chain(top).map(|known| format!("{}={}", known.name(), metric(evaluation.value(known)))).collect();
    writeln!(out, "{}", fields.join(" "))?;
    if let (Some(names), Some(confusion)) = (classes, evaluation.outcome.confusion()) {
        remark(out, "confusion matrix, a line for each actual class, a column for each predicted one, in this order")?;
        for (name, counts) in names.iter().zip(confusion.counts.chunks_exact(confusion.classes)) {
            let counts: Vec<String> = counts.iter().map(u64::to_string).collect();
            remark(out, &format!("{}  {}", counts.join(" "), name.replace(['=', ':', '\n', '\r'], "_")))?;
        }
    }
    out.flush()?;
    Ok(Ending::Complete)
}

/// Predicts each row of `data`: CSV with the prediction, and for classes the probability of each.
///
/// # Errors
/// If the model or the data cannot be used.
pub fn predict(
    model: &Path,
    data: &Path,
    (device, team): (&Device, &Team),
    out: &mut dyn Write,
    stop: &Stop,
) -> Result<Ending, Error> {
    let model = model_file::read(model, device)?;
    let (samples, _) = data::read_other(data, &model.description.preparation, false)?;
    let predictor = model.predictor(device, team);
    let Some(outputs) = predictor.outputs(&samples, &all(&samples), stop) else {
        return Ok(Ending::Stopped(stop.signal().unwrap_or_default()));
    };
    let predictions = predictor.predictions(&outputs);
    let mut table = csv::Writer::from_writer(out);
    let failed = |error: csv::Error| Error::Output(std::io::Error::other(error));
    match &model.description.preparation.target {
        Prediction::Classes { names, .. } => {
            let header = std::iter::once("prediction".to_owned());
            table.write_record(header.chain(names.iter().map(|name| format!("probability_{name}")))).map_err(failed)?;
            for row in predictions.chunks_exact(names.len()) {
                let name = names[crate::metrics::classification::likeliest(row)].clone();
                let fields = std::iter::once(name).chain(row.iter().map(|&value| metric(value)));
                table.write_record(fields).map_err(failed)?;
            }
        }
        Prediction::Number { .. } => {
            table.write_record(["prediction"]).map_err(failed)?;
            for value in predictions {
                table.write_record([value.to_string()]).map_err(failed)?;
            }
        }
    }
    table.flush()?;
    Ok(Ending::Complete)
}

/// Fetches Fashion-MNIST from `source` into `folder`.
///
/// # Errors
/// If it cannot be had or written.
pub fn fetch(folder: &Path, source: &str, out: &mut dyn Write, stop: &Stop) -> Result<Ending, Error> {
    if !fetch::fetch(source, folder, &FASHION_MNIST, out, stop)? {
        return Ok(Ending::Stopped(stop.signal().unwrap_or_default()));
    }
    remark(out, &format!("Fashion-MNIST is in {}", folder.display()))?;
    Ok(Ending::Complete)
}

/// Says what a model file or the folder of a checkpoint holds.
///
/// # Errors
/// If it is neither, or damaged.
pub fn inspect(path: &Path, device: &Device, out: &mut dyn Write) -> Result<Ending, Error> {
    if path.is_dir() {
        let missing = || checkpoint::Error::Missing { folder: path.to_owned() };
        let (whole, within) = (Checkpoint::read(path)?, Checkpoint::read_within(path)?);
        let whole = whole.map(|checkpoint| checkpoint.manifest);
        let epochs = whole.as_ref().map_or(0, |manifest| manifest.epoch);
        let within = within.map(|checkpoint| checkpoint.manifest).filter(|manifest| manifest.epoch >= epochs);
        let manifest = within.or(whole).ok_or_else(missing)?;
        let networks = manifest.data.len();
        let how_far = manifest.within.clone().unwrap_or_default().how_far(manifest.epoch, networks);
        writeln!(out, "checkpoint of {how_far}, {networks} network(s), {}", manifest.optimizer)?;
        writeln!(out, "network {}", manifest.architecture.summary())?;
        if let Some(line) = &manifest.line {
            writeln!(out, "last line{}", line.fields('='))?;
        }
        manifest.preparation.first().map_or(Ok(()), |preparation| describe(preparation, out))?;
        return Ok(Ending::Complete);
    }
    let Model { description, network } = model_file::read(path, device)?;
    let parameters = network.parameters();
    writeln!(out, "model after {} epochs, {parameters} parameters", description.epochs)?;
    writeln!(out, "network {}", description.architecture.summary())?;
    describe(&description.preparation, out)?;
    Ok(Ending::Complete)
}

fn describe(preparation: &Preparation, out: &mut dyn Write) -> std::io::Result<()> {
    match &preparation.inputs {
        Inputs::Pixels { mean, deviation } => {
            let [_, height, width] = preparation.shape;
            writeln!(out, "images of {height} x {width} pixels, mean {mean:.3}, deviation {deviation:.3}")?;
        }
        Inputs::Columns(columns) => {
            writeln!(out, "a table of {} columns, which become {} inputs", columns.len(), preparation.width())?;
            for column in columns {
                writeln!(out, "  {}  {}", column.name(), column.summary())?;
            }
        }
    }
    match &preparation.target {
        Prediction::Classes { names, .. } => writeln!(out, "predicts one of the classes {}", names.join(", "))?,
        Prediction::Number { column, mean, deviation } => {
            writeln!(out, "predicts the number {column}, mean {mean}, deviation {deviation}")?;
        }
    }
    out.flush()
}
