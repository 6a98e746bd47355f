//! What the flags say about learning.

use super::text::{Error, Text};
use crate::flags::LearningFlags;
use crate::loss::ClassWeights;
use crate::metrics::Metric;
use crate::optimization::{Method, Optimization};
use crate::schedule::{Schedule, Shape};
use crate::stopping::Patience;

/// The names of the schedules; what they mean beyond that, other flags say.
const SCHEDULES: [(&str, u8); 4] = [("constant", 0), ("step", 1), ("cosine", 2), ("one-cycle", 3)];

/// How the weights follow the gradients.
pub(super) fn optimization(flags: &LearningFlags) -> Result<Optimization, Error> {
    let method = Text("--optimizer", "PARAM_OPTIMIZER", &flags.optimizer).name(&Method::ALL, Method::Adam)?;
    let decays = [("l2", false), ("decoupled", true)];
    let positive = |text: Text<'_>| text.maybe_number("a number above 0", |limit| limit > 0.0 && limit.is_finite());
    Ok(Optimization {
        method,
        // A momentum beside adam is checked and then unused: a search space may well give it to all trials.
        momentum: Text("--momentum", "PARAM_MOMENTUM", &flags.momentum).share(method.usual_momentum())?,
        beta1: Text("--beta1", "PARAM_BETA1", &flags.beta1).share(0.9)?,
        beta2: Text("--beta2", "PARAM_BETA2", &flags.beta2).share(0.999)?,
        smoothing: Text("--smoothing", "PARAM_SMOOTHING", &flags.smoothing).share(0.99)?,
        epsilon: Text("--epsilon", "PARAM_EPSILON", &flags.epsilon).number(
            "a number above 0 and at most 1",
            |epsilon| epsilon > 0.0 && epsilon <= 1.0,
            1e-8,
        )?,
        weight_decay: Text("--weight-decay", "PARAM_WEIGHT_DECAY", &flags.weight_decay).amount(1000.0)?,
        decoupled: Text("--decay", "PARAM_DECAY", &flags.decay).name(&decays, method == Method::AdamW)?,
        l1: Text("--l1", "PARAM_L1", &flags.l1).amount(1000.0)?,
        clip_norm: positive(Text("--clip-norm", "PARAM_CLIP_NORM", &flags.clip_norm))?,
        clip_value: positive(Text("--clip-value", "PARAM_CLIP_VALUE", &flags.clip_value))?,
    })
}

/// How the learning rate changes.
pub(super) fn schedule(flags: &LearningFlags, epochs: u32) -> Result<Schedule, Error> {
    let kind = Text("--schedule", "PARAM_SCHEDULE", &flags.schedule).name(&SCHEDULES, 0)?;
    let factor = Text("--step-factor", "PARAM_STEP_FACTOR", &flags.step_factor).number(
        "a number above 0 and at most 1",
        |factor| factor > 0.0 && factor <= 1.0,
        0.1,
    )?;
    let every = Text("--step-epochs", "PARAM_STEP_EPOCHS", &flags.step_epochs).whole(1, 1_000_000, 10)? as u32;
    let last = Text("--last-rate", "PARAM_LAST_RATE", &flags.last_rate).amount(1.0)?;
    let shape = match kind {
        1 => Shape::Step { factor, every },
        2 => Shape::Cosine { last },
        3 => Shape::OneCycle,
        _ => Shape::Constant,
    };
    let whole = Text("--schedule-epochs", "TRIMTAB_FIDELITY_MAX", &flags.schedule_epochs);
    Ok(Schedule {
        shape,
        warm_up: Text("--warm-up", "PARAM_WARM_UP", &flags.warm_up).whole(0, 1_000_000, 0)? as u32,
        epochs: whole.whole(1, 1_000_000, epochs.into())? as u32,
    })
}

/// How classes count.
pub(super) fn class_weights(flags: &LearningFlags) -> Result<ClassWeights, Error> {
    let text = Text("--class-weights", "PARAM_CLASS_WEIGHTS", &flags.class_weights);
    match text.given() {
        None | Some("equal") => Ok(ClassWeights::Equal),
        Some("balanced") => Ok(ClassWeights::Balanced),
        Some(_) => {
            let parsed: Option<Vec<f64>> = text.list().iter().map(|part| part.parse().ok()).collect();
            let positive = |weights: &Vec<f64>| weights.iter().all(|weight| *weight > 0.0 && weight.is_finite());
            let weights = parsed.filter(positive);
            let expected = "equal, balanced, or a number above 0 for each class, with commas between";
            weights.map(ClassWeights::Given).ok_or_else(|| text.error(expected))
        }
    }
}

/// When training ends by itself.
pub(super) fn patience(flags: &LearningFlags) -> Result<Option<Patience>, Error> {
    let epochs = Text("--patience", "PARAM_PATIENCE", &flags.patience).maybe_whole(1, 1_000_000)?;
    let monitor = Text("--monitor", "TRAINER_MONITOR", &flags.monitor);
    let metric = monitor.given().unwrap_or("val_loss");
    let minimized = match metric {
        "loss" | "val_loss" => true,
        _ => metric
            .strip_prefix("val_")
            .and_then(Metric::parse)
            .ok_or_else(|| monitor.error("loss, val_loss, or val_ and the name of a metric"))?
            .is_minimized(),
    };
    let margin = Text("--margin", "TRAINER_MARGIN", &flags.margin).amount(1e9)?;
    Ok(epochs.map(|epochs| Patience { metric: metric.to_owned(), minimized, epochs: epochs as u32, margin }))
}
