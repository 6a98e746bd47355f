//! What a client says of metrics, as a log would; and parameters, as a client reads them.

use trimtab_api::Study;
use trimtab_api::study::ParameterValue;
use trimtab_engine::{Plan, Value as Given};
use trimtab_protocol::Report;
use trimtab_protocol::asking::{self, Mistake, Values};

use super::answer::Named;

/// The metrics of a Study, its first objective first.
pub(super) fn metrics(study: &Study) -> Vec<String> {
    study.spec.metrics()
}

/// What a client says, as a log would.
pub(super) fn reports(study: &Study, values: &Values, fidelity: Option<f64>) -> Result<Vec<Report>, Mistake> {
    if study.spec.fidelity.is_none() && values.fidelity.is_some() {
        return Err(Mistake::new("fidelity", "is not known: the Study has no `spec.fidelity`"));
    }
    let known = metrics(study);
    let objective = known.first().cloned().unwrap_or_default();
    if values.value.is_some() && values.named.iter().any(|(name, _)| *name == objective) {
        return Err(Mistake::new("value", format!("is given twice: also as `values.{objective}`")));
    }
    if let Some((name, _)) = values.named.iter().find(|(name, _)| !known.contains(name)) {
        let words = format!("is no metric of the Study: those are {}", known.join(", "));
        return Err(Mistake::new(format!("values.{}", asking::short(name)), words));
    }
    let named = values.named.iter().cloned();
    let all = values.value.map(|value| (objective, value)).into_iter().chain(named);
    Ok(all.map(|(metric, value)| Report { metric, fidelity, value }).collect())
}

/// Parameters with the types that the search space gives them.
pub(super) fn typed(plan: &Plan, parameters: &[ParameterValue]) -> Named {
    let space = &plan.spec().space.parameters;
    let typed = parameters.iter().map(|given| {
        let parameter = space.iter().find(|parameter| parameter.name == given.name);
        let value = match parameter.and_then(|parameter| parameter.parse(&given.value).ok()) {
            Some(Given::Float(value)) => value.into(),
            Some(Given::Int(value)) => value.into(),
            Some(Given::Choice(value)) => value.into(),
            None => given.value.clone().into(),
        };
        (given.name.clone(), value)
    });
    Named(typed.collect())
}
