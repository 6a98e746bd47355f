//! Says what is trained, on what, with what.

use std::io::{self, Write};

use crate::data::{Inputs, Prediction, Source};
use crate::optimization::Method;
use crate::report::remark;
use crate::settings::Settings;
use crate::training::Training;

/// Says it.
///
/// # Errors
/// If the output is closed.
pub(super) fn introduce(
    settings: &Settings,
    source: &Source,
    folds: &[Training<'_>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(first) = folds.first() else {
        return Ok(());
    };
    let (network, parameters) = (first.architecture.summary(), first.network.parameters());
    remark(out, &format!("network {network}, {parameters} parameters"))?;
    let optimization = &settings.optimization;
    let method = optimization.method;
    let optimizer = match method {
        Method::Sgd | Method::Nesterov => format!("{} with momentum {}", method.name(), optimization.momentum),
        Method::Adam | Method::AdamW | Method::RmsProp => method.name().to_owned(),
    };
    let Settings { learning_rate, batch_size, seed, .. } = settings;
    let (decay, dropout) = (optimization.weight_decay, settings.model.dropout_summary());
    remark(
        out,
        &format!(
            "{optimizer}, learning rate {learning_rate}, batches of {batch_size}, weight decay {decay}, dropout \
             {dropout}, seed {seed}"
        ),
    )?;
    if let (Source::Table(_), Inputs::Columns(columns)) = (source, &first.data.preparation.inputs) {
        let inputs = first.data.preparation.width();
        let task = match &first.data.preparation.target {
            Prediction::Classes { column, names } => {
                format!("one of {} classes of {}", names.len(), plain(column.as_deref().unwrap_or_default()))
            }
            Prediction::Number { column, .. } => format!("the number {}", plain(column)),
        };
        remark(out, &format!("a table, {} columns as {inputs} inputs predict {task}", columns.len()))?;
    }
    if folds.len() > 1 {
        let name = settings.split.scheme.name();
        remark(out, &format!("{name}, {} networks side by side, each value is their mean", folds.len()))?;
    }
    let (train, validation) = (first.data.train.len(), first.data.validation.len());
    let (device, threads, unit) = (settings.machine.device.name(), settings.machine.threads, source.rows().unit);
    let plural = if threads == 1 { "" } else { "s" };
    remark(out, &format!("{train} {unit}, {validation} more for validation, on {device}, {threads} thread{plural}"))
}

/// A name without what would make a metric of a remark.
fn plain(name: &str) -> String {
    name.replace(['=', ':', '{', '}', '\n', '\r'], "_")
}
