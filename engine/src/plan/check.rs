//! What is wrong with settings, ladder and sampler, each with its field and what is allowed.

use super::{
    Exploit, FidelityKind, FidelityRange, MAX_AUDIT, PlanError, PlanSpec, Sampler, Scheduler, Settings, TpeSettings,
};
use crate::brackets;
use crate::number::to_text;
use crate::samplers;
use crate::space::Enumeration;
use crate::state::MAX_TRIALS;

impl Settings {
    /// Everything that is wrong with the settings by themselves.
    #[must_use]
    pub fn validate(&self) -> Vec<PlanError> {
        let mut errors = Vec::new();
        at_least(&mut errors, "parallelism", Some(u64::from(self.parallelism)), 1);
        at_least(&mut errors, "limits.trials", self.limits.trials.map(u64::from), 1);
        at_least(&mut errors, "limits.fullTrainings", self.limits.full_trainings.map(u64::from), 1);
        at_least(&mut errors, "limits.activeSeconds", self.limits.active_seconds, 1);
        for (at, (resource, hours)) in self.limits.resource_hours.iter().enumerate() {
            let field = format!("limits.resourceHours[{at}]");
            if !(*hours > 0.0 && hours.is_finite()) {
                errors.push(error(format!("{field}.hours"), format!("must be above 0 (given {})", to_text(*hours))));
            }
            if self.limits.resource_hours.iter().take(at).any(|(other, _)| other == resource) {
                let words = format!("must be one that no other entry names (given `{resource}`)");
                errors.push(error(format!("{field}.resource"), words));
            }
        }
        if let Some(trials) = self.limits.trials.filter(|&trials| trials > MAX_TRIALS) {
            errors.push(error("limits.trials", format!("must be at most {MAX_TRIALS} (given {trials})")));
        }
        if let Some(target) = self.target.filter(|target| !target.is_finite()) {
            errors.push(error("objectives[0].target", format!("must be finite (given {})", to_text(target))));
        }
        errors
    }
}

pub(crate) fn error(field: impl Into<String>, message: impl Into<String>) -> PlanError {
    PlanError { field: field.into(), message: message.into() }
}

pub(crate) fn at_least(errors: &mut Vec<PlanError>, field: &str, given: Option<u64>, least: u64) {
    if let Some(given) = given.filter(|&given| given < least) {
        errors.push(error(field, format!("must be at least {least} (given {given})")));
    }
}

/// Checks fidelity and scheduler; says whether brackets can be computed.
pub(super) fn ladder(spec: &PlanSpec, errors: &mut Vec<PlanError>) -> bool {
    let before = errors.len();
    if let Some(range) = spec.fidelity {
        at_least(errors, "fidelity.min", Some(u64::from(range.min)), 1);
        if range.min > range.max {
            let FidelityRange { min, max } = range;
            errors.push(error("fidelity.min", format!("must not be above `max` (given {min}, max {max})")));
        }
    }
    let (kind, factor, configurations) = match &spec.scheduler {
        Scheduler::None => return errors.len() == before,
        Scheduler::SuccessiveHalving { reduction_factor, configurations, .. } => {
            ("successiveHalving", Some(*reduction_factor), *configurations)
        }
        Scheduler::Hyperband { reduction_factor, .. } => ("hyperband", Some(*reduction_factor), None),
        Scheduler::Dehb { reduction_factor } => {
            if spec.sampler != Sampler::Automatic {
                let message = "must be left out with the scheduler `dehb`, which proposes by differential evolution";
                errors.push(error(format!("sampler.{}", spec.sampler.name()), message));
            }
            one_decides(spec, "dehb", errors);
            ("dehb", Some(*reduction_factor), None)
        }
        Scheduler::PopulationBased { .. } => {
            population_based(spec, errors);
            ("populationBased", None, None)
        }
        Scheduler::Asha { reduction_factor, brackets, .. } => {
            at_least(errors, "scheduler.asha.brackets", Some(u64::from(*brackets)), 1);
            ("asha", Some(*reduction_factor), None)
        }
    };
    let carries_audit = !matches!(spec.scheduler, Scheduler::Dehb { .. } | Scheduler::PopulationBased { .. });
    if !(0.0..=MAX_AUDIT).contains(&spec.audit) || spec.audit > 0.0 && !carries_audit {
        let most = if carries_audit { MAX_AUDIT } else { 0.0 };
        let (most, given) = (to_text(most), to_text(spec.audit));
        errors.push(error(format!("scheduler.{kind}.audit"), format!("must be between 0 and {most} (given {given})")));
    }
    if let Some(factor) = factor.filter(|factor| !(2..=10).contains(factor)) {
        errors.push(error(
            format!("scheduler.{kind}.reductionFactor"),
            format!("must be between 2 and 10 (given {factor})"),
        ));
    }
    if let Some(given) = configurations.filter(|n| !(1..=brackets::MAX_FIRST_RUNG).contains(&u64::from(*n))) {
        let most = brackets::MAX_FIRST_RUNG;
        let field = format!("scheduler.{kind}.configurations");
        errors.push(error(field, format!("must be between 1 and {most} (given {given})")));
    }
    match spec.fidelity {
        None => errors.push(error("fidelity", format!("must be given for the scheduler `{kind}`"))),
        Some(FidelityRange { min, max }) if min == max => {
            let rule = format!("must be above `min` for the scheduler `{kind}` (given {max}, min {min})");
            errors.push(error("fidelity.max", rule));
        }
        Some(_) => {}
    }
    errors.len() == before
}

/// Where several objectives would have to be compared by one.
fn one_decides(spec: &PlanSpec, kind: &str, errors: &mut Vec<PlanError>) {
    if spec.has_several_objectives() && spec.rank_by.is_none() {
        let field = format!("scheduler.{kind}.rankBy");
        errors.push(error(field, "must name the objective that decides where there are several"));
    }
}

/// The most members of a population.
const MAX_POPULATION: u32 = 1_000;

/// Checks what population based training needs beside two fidelities that differ.
fn population_based(spec: &PlanSpec, errors: &mut Vec<PlanError>) {
    let Scheduler::PopulationBased { population, interval, exploit, resample_percent } = spec.scheduler else { return };
    let mut between = |field: &str, given: u32, (least, most): (u32, u32)| {
        if !(least..=most).contains(&given) {
            let field = format!("scheduler.populationBased.{field}");
            errors.push(error(field, format!("must be between {least} and {most} (given {given})")));
        }
    };
    between("population", population, (2, MAX_POPULATION));
    between("resamplePercent", resample_percent, (0, 100));
    if let Exploit::Truncation { percent } = exploit {
        between("percent", percent, (1, 50));
    }
    at_least(errors, "scheduler.populationBased.interval", Some(u64::from(interval)), 1);
    one_decides(spec, "populationBased", errors);
    if spec.fidelity.is_some() && spec.kind != FidelityKind::Cumulative {
        let message =
            "must be Cumulative for the scheduler `populationBased`: a copy goes on with its donor's training";
        errors.push(error("fidelity.kind", message));
    }
    if !spec.resumable {
        let message = "must be given for the scheduler `populationBased`: a copy begins from its donor's checkpoint";
        errors.push(error("resumable", message));
    }
}

fn population(sampler: &Sampler, errors: &mut Vec<PlanError>) {
    let (name, given, allowed) = match sampler {
        Sampler::Genetic { population } => ("genetic", population, samplers::GENETIC_POPULATION),
        Sampler::CmaEs { population } => ("cmaEs", population, samplers::CMA_ES_POPULATION),
        Sampler::Automatic
        | Sampler::Random
        | Sampler::QuasiRandom
        | Sampler::Tpe(_)
        | Sampler::Grid { .. }
        | Sampler::Bohb
        | Sampler::GaussianProcess
        | Sampler::RandomForest
        | Sampler::Gradient => return,
    };
    if let Some(given) = given.filter(|given| !allowed.contains(given)) {
        let (least, most) = allowed.into_inner();
        let rule = format!("must be between {least} and {most} (given {given})");
        errors.push(error(format!("sampler.{name}.population"), rule));
    }
}

/// Checks that the sampler can do its work, and that something ends the study.
pub(super) fn ending(spec: &PlanSpec, enumeration: Option<&Enumeration>, errors: &mut Vec<PlanError>) {
    match spec.sampler {
        Sampler::Grid { points } => {
            if let Some(given) = points.filter(|points| !(2..=samplers::MAX_POINTS).contains(points)) {
                let rule = format!("must be between 2 and {} (given {given})", samplers::MAX_POINTS);
                errors.push(error("sampler.grid.points", rule));
            } else if points.is_none() && spec.space.has_continuum() {
                errors.push(error("sampler.grid.points", "must be given where a float has no step"));
            } else if enumeration.is_none() {
                errors.push(error("sampler.grid", "needs a space whose combinations can be counted"));
            }
        }
        Sampler::Automatic
        | Sampler::Random
        | Sampler::QuasiRandom
        | Sampler::Tpe(_)
        | Sampler::Genetic { .. }
        | Sampler::CmaEs { .. }
        | Sampler::Bohb
        | Sampler::GaussianProcess
        | Sampler::RandomForest
        | Sampler::Gradient => {
            population(&spec.sampler, errors);
            if let Sampler::Tpe(TpeSettings { startup_trials, .. }) = spec.sampler
                && !(1..=samplers::MAX_STARTUP).contains(&startup_trials)
            {
                let rule = format!("must be between 1 and {} (given {startup_trials})", samplers::MAX_STARTUP);
                errors.push(error("sampler.tpe.startupTrials", rule));
            }
            if spec.sampler == Sampler::Gradient && !spec.space.has_continuum() {
                let rule = "needs a float without a step that can vary: nothing else has a gradient";
                errors.push(error("sampler.gradient", rule));
            }
            let is_exhausted_some_day = samplers::finite::is_exhaustible(enumeration);
            let passes_end = matches!(
                spec.scheduler,
                Scheduler::SuccessiveHalving { .. } | Scheduler::Hyperband { .. } | Scheduler::PopulationBased { .. }
            );
            if !is_exhausted_some_day && !passes_end && !spec.settings.limits.end_it() {
                errors.push(error(
                    "limits",
                    "must have `trials`, `fullTrainings`, `activeSeconds` or `resourceHours`, or the study would never end",
                ));
            }
        }
    }
}
