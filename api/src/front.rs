//! The Pareto front of a study with several objectives, as its status holds it.

use trimtab_engine::number::{sortable, to_text};
use trimtab_engine::{self as engine, Plan};

use crate::names;
use crate::study::{BestTrial, Front, FrontTrial, StudySpec};

/// The most trials of a front that a status names.
pub const MAX_NAMED: usize = 32;

/// Where the hypervolume is measured from, as far as the Study says so.
#[must_use]
pub fn references(spec: &StudySpec) -> Vec<Option<f64>> {
    spec.objectives.iter().map(|objective| objective.reference).collect()
}

/// A front of the Study of this name, with at most so many of its trials by name: those that are spread over it. A status
/// holds [`MAX_NAMED`].
#[must_use]
pub fn record(study: &str, plan: &Plan, front: &engine::Front, most: usize) -> Front {
    let mut named: Vec<&engine::front::Member> = front.members.iter().take(most).collect();
    named.sort_by_key(|member| (member.values.first().copied().map(sortable), member.number));
    let trial = |member: &engine::front::Member| FrontTrial {
        trial_name: names::trial(study, member.number.0),
        number: member.number.0,
        values: member.values.iter().copied().map(to_text).collect(),
    };
    Front {
        level: plan.fidelity(front.level),
        size: u32::try_from(front.members.len()).unwrap_or(u32::MAX),
        metrics: plan.spec().objectives().map(|objective| objective.metric.clone()).collect(),
        reference: front.reference.iter().copied().map(to_text).collect(),
        hypervolume: front.hypervolume.map(to_text),
        trials: named.into_iter().map(trial).collect(),
    }
}

/// The answer in a word: the best value, or how many trials are on the front.
#[must_use]
pub fn answer(best: Option<&BestTrial>, front: Option<&Front>) -> Option<String> {
    let size = front.map(|front| format!("front of {}", front.size));
    best.map(|best| best.value.clone()).or(size)
}

impl Front {
    /// What the front covers, for people: "7 trials, hypervolume 0.83 beside (1, 0.5)".
    #[must_use]
    pub fn words(&self) -> String {
        let noun = if self.size == 1 { "trial" } else { "trials" };
        let volume = self.hypervolume.as_ref();
        let volume = volume
            .map(|volume| format!(", hypervolume {volume} beside ({})", self.reference.join(", ")))
            .unwrap_or_default();
        format!("{} {noun}{volume}", self.size)
    }
}
