//! The metrics that decide: objectives, and bounds on what trials report.

use super::{Objective, Plan, PlanError, PlanSpec, Reduce, Sampler, error};
use crate::brackets;
use crate::history::Values;
use crate::number::{sortable, sortable_beyond, to_text};
use crate::pareto::{MAX_OBJECTIVES, Point, Vector};
use crate::samplers::MAX_MODELLED;
use crate::state::Shown;

/// The most bounds of a study.
pub const MAX_BOUNDS: usize = 8;

/// A constraint on a metric that trials report. The newest value counts; of an objective's metric the value that stands
/// for the trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The metric's name.
    pub metric: String,
    /// The smallest value that is allowed.
    pub min: Option<f64>,
    /// The largest value that is allowed.
    pub max: Option<f64>,
}

impl Bound {
    /// By how much a value is out of bounds, as a share of the bound so that metrics of different units can be added up; for
    /// a bound of 0 as it is. What is no number breaks it infinitely.
    fn violation(&self, value: f64) -> f64 {
        if value.is_nan() {
            return f64::INFINITY;
        }
        let beyond = |over: f64, bound: f64| if bound == 0.0 { over } else { over / bound.abs() };
        let above = self.max.filter(|max| value > *max).map_or(0.0, |max| beyond(value - max, max));
        let below = self.min.filter(|min| value < *min).map_or(0.0, |min| beyond(min - value, min));
        above + below
    }
}

impl PlanSpec {
    /// All objectives; there is at least one.
    pub fn objectives(&self) -> impl Iterator<Item = &Objective> {
        std::iter::once(&self.objective).chain(&self.further)
    }

    /// Whether trials cannot all be put in one order.
    #[must_use]
    pub fn has_several_objectives(&self) -> bool {
        !self.further.is_empty()
    }

    /// Every metric that decides, with the value that stands for a trial: the objectives, then the bounded metrics that are none.
    pub fn decisive(&self) -> impl Iterator<Item = (&str, Reduce)> {
        let bounds = self.bounds.iter().filter(|bound| !self.objectives().any(|o| o.metric == bound.metric));
        let objectives = self.objectives().map(|objective| (objective.metric.as_str(), objective.reduce));
        objectives.chain(bounds.map(|bound| (bound.metric.as_str(), Reduce::Last)))
    }
}

impl Reduce {
    /// The value that stands for a trial.
    #[must_use]
    pub fn of(self, values: &Values) -> f64 {
        match self {
            Self::Last => values.last,
            Self::Best => values.best,
            Self::Mean => values.mean,
        }
    }
}

impl Plan {
    /// The value of the decisive metric at this place, as it was reported; NaN where there is none.
    fn value_of(&self, shown: &Shown, place: usize) -> f64 {
        match place.checked_sub(1) {
            None => self.spec.objective.value(&shown.values),
            Some(place) => shown.others.0.get(place).copied().unwrap_or(f64::NAN),
        }
    }

    /// By how much a trial breaks the bounds: 0 when it keeps them all.
    pub(crate) fn violation(&self, shown: &Shown) -> f64 {
        let place = |bound: &Bound| self.spec.decisive().position(|(metric, _)| metric == bound.metric);
        let broken = |bound: &Bound| bound.violation(place(bound).map_or(f64::NAN, |at| self.value_of(shown, at)));
        // The sum of none would be the negative zero.
        self.spec.bounds.iter().map(broken).fold(0.0, |sum, next| sum + next)
    }

    /// What a trial has shown, oriented and beside its violation; `None` when an objective is NaN or infinite.
    #[must_use]
    pub fn point(&self, shown: &Shown) -> Option<Point> {
        let mut vector = Vector::default();
        for (place, (objective, at)) in self.spec.objectives().zip(&mut vector).enumerate() {
            *at = Some(objective.orient(self.value_of(shown, place))).filter(|value| value.is_finite())?;
        }
        Some(Point { vector, violation: self.violation(shown) })
    }

    /// The place of the objective that puts trials in an order where there must be one: the only one, or the one that rungs rank by.
    fn leading(&self) -> usize {
        self.spec.rank_by.unwrap_or(0)
    }

    /// The value by which trials are put in an order, as it was reported; or the first of another objective that is NaN or
    /// infinite, because that is what counts then.
    pub(crate) fn leading_value(&self, shown: &Shown) -> f64 {
        let broken = (0..=self.spec.further.len()).map(|at| self.value_of(shown, at)).find(|value| !value.is_finite());
        broken.unwrap_or_else(|| self.value_of(shown, self.leading()))
    }

    /// The same, oriented; `None` when an objective is NaN or infinite.
    pub(crate) fn leading_score(&self, shown: &Shown) -> Option<f64> {
        self.leading_of(&self.point(shown)?)
    }

    /// Of a point, the oriented value by which trials are put in an order.
    pub(crate) fn leading_of(&self, point: &Point) -> Option<f64> {
        point.vector.get(self.leading()).copied()
    }

    /// Whether rungs rank by non-domination.
    #[must_use]
    pub fn ranks_by_fronts(&self) -> bool {
        self.spec.has_several_objectives() && self.spec.rank_by.is_none()
    }

    /// Where a trial stands by the value that leads, smaller is better: who breaks the bounds stands behind everybody who keeps
    /// them, by how much (Deb, Computer Methods in Applied Mechanics and Engineering 186, 2000). `None` when an objective is
    /// NaN or infinite.
    pub(crate) fn standing(&self, shown: &Shown) -> Option<u64> {
        let point = self.point(shown)?;
        if point.violation > 0.0 {
            return Some(sortable_beyond(point.violation));
        }
        self.leading_of(&point).map(sortable)
    }

    /// Whether a trial keeps the bounds with what it has shown.
    #[must_use]
    pub fn is_feasible(&self, shown: &Shown) -> bool {
        self.spec.bounds.is_empty() || self.violation(shown) == 0.0
    }
}

/// Checks the metrics, and that what works with them can.
pub(super) fn check(spec: &PlanSpec, errors: &mut Vec<PlanError>) {
    let mut wrong = |field: String, message: String| errors.push(error(field, message));
    for (at, objective) in spec.objectives().enumerate() {
        if objective.metric.is_empty() {
            wrong(format!("objectives[{at}].metric"), "must not be empty".to_owned());
        } else if spec.objectives().take(at).any(|other| other.metric == objective.metric) {
            let given = &objective.metric;
            let message = format!("must name a metric that no other field names (given `{given}`)");
            wrong(format!("objectives[{at}].metric"), message);
        }
    }
    let count = spec.objectives().count();
    if count > MAX_OBJECTIVES {
        wrong("objectives".to_owned(), format!("must have at most {MAX_OBJECTIVES} members (given {count})"));
    }
    if spec.bounds.len() > MAX_BOUNDS {
        let given = spec.bounds.len();
        wrong("constraints".to_owned(), format!("must name at most {MAX_BOUNDS} metrics (given {given})"));
    }
    for (at, bound) in spec.bounds.iter().enumerate() {
        let field = |name: &str| format!("bounds[{at}].{name}");
        if bound.metric.is_empty() {
            wrong(field("metric"), "must not be empty".to_owned());
        }
        if spec.bounds.iter().take(at).any(|other| other.metric == bound.metric) {
            wrong(field("metric"), "must be bounded once: give `min` and `max` together".to_owned());
        }
        if bound.min.is_none() && bound.max.is_none() {
            wrong(field("max"), "must be given, or `min`".to_owned());
        }
        for (name, value) in [("min", bound.min), ("max", bound.max)] {
            if let Some(value) = value.filter(|value| !value.is_finite()) {
                wrong(field(name), format!("must be finite (given {})", to_text(value)));
            }
        }
        if let (Some(min), Some(max)) = (bound.min, bound.max)
            && min > max
        {
            wrong(field("min"), format!("must not be above `max` (given {}, max {})", to_text(min), to_text(max)));
        }
    }
    if count > 1 {
        check_several(spec, errors);
    }
    if spec.rank_by.is_some_and(|place| place >= count) {
        errors.push(error(format!("scheduler.{}.rankBy", brackets::name(&spec.scheduler)), "must name an objective"));
    }
}

/// What is made for one objective is refused for several.
fn check_several(spec: &PlanSpec, errors: &mut Vec<PlanError>) {
    let is_for_one = match spec.sampler {
        Sampler::Automatic
        | Sampler::Random
        | Sampler::QuasiRandom
        | Sampler::Grid { .. }
        | Sampler::Genetic { .. }
        | Sampler::GaussianProcess
        | Sampler::Tpe(_) => false,
        Sampler::Bohb | Sampler::CmaEs { .. } | Sampler::RandomForest | Sampler::Gradient => true,
    };
    if is_for_one {
        let message = "must be left out with several objectives, as it searches for one: `automatic`, `random`, `quasiRandom`, `grid`, `genetic`, `tpe` and `gaussianProcess` can search for several";
        errors.push(error(format!("sampler.{}", spec.sampler.name()), message));
    }
    let count = spec.objectives().count();
    if spec.sampler == Sampler::GaussianProcess && count > MAX_MODELLED {
        let message = format!("must have at most {MAX_MODELLED} objectives (given {count})");
        errors.push(error(format!("sampler.{}", spec.sampler.name()), message));
    }
    if !spec.stopping.is_empty() {
        errors.push(error(
            "stopping",
            "must be left out with several objectives: no rule knows what to give up for what",
        ));
    }
    if spec.settings.target.is_some() {
        errors.push(error("objectives[0].target", "must be left out with several objectives: a front is never done"));
    }
}
