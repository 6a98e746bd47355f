//! What is measured of a network, and under which names it is printed.

use super::Error;
use crate::data::{Dataset, Prediction};
use crate::evaluation::Evaluation;
use crate::metrics::Metric;
use crate::settings::Settings;
use crate::signals::Stop;
use crate::training::Training;

/// What is measured after each epoch.
#[derive(Clone, Copy, Debug)]
pub(super) enum Measure {
    /// The validation loss.
    Loss,
    /// A metric of the predictions.
    Metric(Metric),
    /// A hypergradient, by its place among those that are asked for.
    Hypergradient(usize),
}

/// What is measured after each epoch, by the names under which it is printed.
pub(super) fn metrics(settings: &Settings, data: &Dataset) -> Result<Vec<(String, Measure)>, Error> {
    let (classes, usual) = match &data.preparation.target {
        Prediction::Classes { names, .. } => (Some(names.len()), Metric::Accuracy),
        Prediction::Number { .. } => (None, Metric::Rmse),
    };
    let watched = settings.patience.as_ref().and_then(|patience| Metric::parse(patience.metric.strip_prefix("val_")?));
    let mut all =
        vec![(format!("val_{}", usual.name()), Measure::Metric(usual)), ("val_loss".to_owned(), Measure::Loss)];
    for metric in settings.metrics.iter().copied().chain(watched) {
        if let Some(reason) = metric.unfit(classes) {
            return Err(Error::Unsuitable(format!("the metric {} {reason}", metric.name())));
        }
        let name = format!("val_{}", metric.name());
        if all.iter().all(|(known, _)| *known != name) {
            all.push((name, Measure::Metric(metric)));
        }
    }
    for (place, parameter) in settings.hypergradients.iter().enumerate() {
        all.push((format!("gradient/{}", parameter.name()), Measure::Hypergradient(place)));
    }
    Ok(all)
}

/// What is measured of a network. Nothing if it was told to stop.
pub(super) fn measure(metrics: &[(String, Measure)], training: &Training<'_>, stop: &Stop) -> Option<Vec<f64>> {
    let evaluation = training.validate(stop)?;
    Some(values(metrics, &evaluation, &training.hypergradients(stop)?))
}

/// What `evaluation` says about `metrics`.
pub(super) fn values(metrics: &[(String, Measure)], evaluation: &Evaluation, hypergradients: &[f64]) -> Vec<f64> {
    let value = |(_, measure): &(String, Measure)| match *measure {
        Measure::Loss => evaluation.loss,
        Measure::Metric(metric) => evaluation.value(metric),
        Measure::Hypergradient(place) => hypergradients.get(place).copied().unwrap_or(f64::NAN),
    };
    metrics.iter().map(value).collect()
}
