//! When a study will end, as far as that can be told from how fast it was so far.

use trimtab_engine::{Plan, Scheduler};

/// What a forecast is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Fidelity that was paid, that of runs which have not ended included.
    pub(crate) spent: f64,
    /// Trials that need no more runs.
    pub(crate) done: u64,
    /// Seconds that the study was active.
    pub(crate) active_seconds: u64,
    /// The largest part of `limits.resourceHours` that is used, where there are some.
    pub(crate) hours: Option<f64>,
}

/// The share of the work that is done, from 0 to 1, where the plan says how much there is.
pub(crate) fn share(plan: &Plan, pace: Pace) -> Option<f64> {
    let overview = plan.overview();
    let settings = plan.settings();
    let is_ladder = !overview.brackets.is_empty() && !matches!(plan.spec().scheduler, Scheduler::Asha { .. });
    // Passes that follow each other have no end of their own, and where nothing but the space ends them nobody knows.
    let ends_by_itself = matches!(plan.spec().scheduler, Scheduler::PopulationBased { .. });
    if is_ladder && (ends_by_itself || !settings.limits.end_it()) {
        let total = if plan.spec().resumable { overview.resumed } else { overview.restarted };
        let is_all = !matches!(plan.spec().scheduler, Scheduler::Dehb { .. });
        return total.filter(|total| is_all && *total > 0).map(|total| (pace.spent / total as f64).clamp(0.0, 1.0));
    }
    let of_trials = settings.limits.trials.map(u64::from).or(overview.trials.filter(|_| !is_ladder));
    let top = f64::from(plan.fidelity(plan.top_level()));
    let of_money = settings.limits.full_trainings.map(|limit| pace.spent / (f64::from(limit) * top));
    let shares = [of_trials.filter(|of| *of > 0).map(|of| pace.done as f64 / of as f64), of_money, pace.hours];
    // Whichever limit is met first ends it.
    shares.into_iter().flatten().reduce(f64::max).map(|share| share.clamp(0.0, 1.0))
}

/// Seconds until the end. `None` while nothing is done, and where nothing says when the study ends.
pub(crate) fn seconds_left(plan: &Plan, pace: Pace) -> Option<u64> {
    let by_work = share(plan, pace).filter(|share| *share > 0.0).map(|share| {
        let left = pace.active_seconds as f64 * (1.0 - share) / share;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; the cast saturates")]
        let left = left.round() as u64;
        left
    });
    let by_clock = plan.settings().limits.active_seconds.map(|limit| limit.saturating_sub(pace.active_seconds));
    [by_work, by_clock].into_iter().flatten().min()
}

/// A time in the two units that matter.
pub(crate) fn time(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds}s"),
        (0, 0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (0, hours, minutes, _) => format!("{hours}h{minutes:02}m"),
        (days, hours, ..) => format!("{days}d{hours:02}h"),
    }
}

#[cfg(test)]
mod tests {
    use trimtab_api::{manifest::parse_study, validate};

    use super::*;

    fn plan(lines: &str) -> Plan {
        let text = format!(
            "apiVersion: trimtab.dev/v1alpha1\nkind: Study\nmetadata: {{name: s}}\nspec:\n  objectives: [{{metric: loss, goal: Minimize}}]\n  \
             parameters: [{{name: x, float: {{min: 0, max: 1}}}}]\n  fidelity: {{unit: epoch, min: 1, max: 9}}\n{lines}\n  \
             trial: {{checkpoint: {{claimName: c}}, job: {{spec: {{template: {{spec: {{containers: [{{name: c, image: i}}]}}}}}}}}}}\n"
        );
        validate(&parse_study(&text).unwrap()).unwrap()
    }

    const PACE: Pace = Pace { spent: 20.0, done: 5, active_seconds: 100, hours: None };

    #[test]
    fn each_end_has_its_forecast() {
        // One pass: 9 + 3 * 2 + 1 * 6, 5 * 3 + 1 * 6, 3 * 9.
        let hyperband = plan("  scheduler: {hyperband: {}}");
        let total = hyperband.overview().resumed.unwrap() as f64;
        assert_eq!(share(&hyperband, PACE), Some(20.0 / total));
        assert_eq!(seconds_left(&hyperband, PACE), Some((100.0 * (total - 20.0) / 20.0).round() as u64));
        assert_eq!(seconds_left(&plan("  limits: {trials: 20}"), PACE), Some(300));
        assert_eq!(seconds_left(&plan("  limits: {trials: 20, activeSeconds: 160}"), PACE), Some(60));
        assert_eq!(seconds_left(&plan("  limits: {fullTrainings: 4}"), PACE), Some(80));
        assert_eq!(seconds_left(&plan("  scheduler: {hyperband: {}}\n  limits: {activeSeconds: 90}"), PACE), Some(0));
        let gpus = Pace { hours: Some(0.8), ..PACE };
        assert_eq!(seconds_left(&plan("  limits: {trials: 20}"), gpus), Some(25));
        let idle = Pace { spent: 0.0, done: 0, ..PACE };
        assert_eq!(seconds_left(&hyperband, idle), None);
    }

    #[test]
    fn times_are_short() {
        assert_eq!([5, 65, 3725, 90_000].map(time), ["5s", "1m05s", "1h02m", "1d01h"]);
    }
}
