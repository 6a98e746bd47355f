//! What some studies have beside the rest, each drawn with dice of its own, so that the other studies of a seed stay what they were.

use serde_json::{Value, json};

use crate::dice::Dice;

/// Some studies may use a GPU, a CPU or both for minutes only. Drawn apart, so that all else is as it is without.
pub(super) fn limit_hours(spec: &mut Value, name: &str) {
    let mut dice = Dice::new(spec["seed"].as_u64().unwrap_or(0), name);
    if !dice.chance(0.25) {
        return;
    }
    let (gpus, cpus) = (dice.between(1, 2), dice.between(1, 8));
    let container = &mut spec["trial"]["job"]["spec"]["template"]["spec"]["containers"][0];
    container["resources"] = json!({"limits": {"nvidia.com/gpu": gpus, "cpu": cpus}});
    let mut limits = Vec::new();
    for (resource, count) in [("nvidia.com/gpu", gpus), ("cpu", cpus)] {
        if dice.chance(0.7) {
            limits.push(json!({"resource": resource, "hours": (count * dice.between(30, 6_000)) as f64 / 3600.0}));
        }
    }
    spec["limits"]["resourceHours"] = json!(limits);
}

/// Some ladders let a share of their trials run to the end. Drawn apart, so that all else is as it is without.
pub(super) fn audit(spec: &mut Value, name: &str) {
    let mut dice = Dice::new(spec["seed"].as_u64().unwrap_or(0), &format!("audit of {name}"));
    let ladder = spec.get_mut("scheduler").and_then(Value::as_object_mut).and_then(|all| all.iter_mut().next());
    let audits = |name: &str| ["successiveHalving", "hyperband", "asha"].contains(&name);
    if let Some((_, ladder)) = ladder.filter(|(name, _)| audits(name) && dice.chance(0.4)) {
        ladder["audit"] = json!(0.2);
    }
}

/// Some studies train a population, with donors and copies. Drawn apart, so that all else is as it is without.
pub(super) fn populate(spec: &mut Value, name: &str) -> bool {
    let mut dice = Dice::new(spec["seed"].as_u64().unwrap_or(0), &format!("population of {name}"));
    if !dice.chance(0.2) {
        return false;
    }
    let args = &mut spec["trial"]["job"]["spec"]["template"]["spec"]["containers"][0]["args"];
    if let Some(args) = args.as_array_mut() {
        let keeps = args.pop();
        *args = [json!("--epochs=$(TRIMTAB_FIDELITY)")].into_iter().chain(keeps).collect();
    }
    let max = dice.pick(&[3, 4, 6, 9]).copied().unwrap_or(4);
    spec["fidelity"] = json!({"unit": "epoch", "min": 1 + dice.below(2), "max": max});
    let mut population = json!({
        "population": dice.between(2, 6), "interval": dice.between(1, 3), "resamplePercent": dice.pick(&[0, 25, 100]),
    });
    if dice.chance(0.4) {
        population["exploit"] = json!("Tournament");
    } else if dice.chance(0.6) {
        population["percent"] = json!(dice.pick(&[20, 34, 50]));
    }
    if spec["objectives"].as_array().is_some_and(|objectives| objectives.len() > 1) {
        population["rankBy"] = json!(dice.pick(&["val", "cost"]));
    }
    spec["scheduler"] = json!({"populationBased": population});
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("stopping");
    }
    true
}

/// Some studies of a rate follow its derivative. Drawn apart like the hours.
pub(super) fn follow(spec: &mut Value, name: &str) {
    let mut dice = Dice::new(spec["seed"].as_u64().unwrap_or(0), &format!("{name} follows"));
    let breeds = spec["scheduler"]["dehb"].is_object();
    let is_one = spec["objectives"].as_array().is_some_and(|all| all.len() == 1);
    if breeds || !is_one || super::parameters_lack_rate(spec) || !dice.chance(0.3) {
        return;
    }
    spec["sampler"] = json!({"gradient": {}});
    let args = &mut spec["trial"]["job"]["spec"]["template"]["spec"]["containers"][0]["args"];
    if let Some(args) = args.as_array_mut() {
        args.push(json!("--slopes"));
    }
}

/// Some ladders have the sizes of `HpBandSter` or several brackets side by side, and some stopping rules are of the kinds that the others
/// leave out. Drawn apart, so that all else is as it is without.
pub(super) fn vary(spec: &mut Value, name: &str) {
    let mut dice = Dice::new(spec["seed"].as_u64().unwrap_or(0), &format!("kinds of {name}"));
    let (min, max) = (spec["fidelity"]["min"].as_u64().unwrap_or(1), spec["fidelity"]["max"].as_u64().unwrap_or(1));
    if let Some(hyperband) = spec.pointer_mut("/scheduler/hyperband").filter(|_| dice.chance(0.3)) {
        hyperband["sizes"] = json!("Hpbandster");
    }
    if let Some(asha) = spec.pointer_mut("/scheduler/asha").filter(|_| dice.chance(0.4)) {
        let factor = asha["reductionFactor"].as_u64().unwrap_or(2);
        let most = 1 + (1..64).take_while(|&rung| min.saturating_mul(factor.saturating_pow(rung)) <= max).count();
        if most > 1 {
            asha["brackets"] = json!(dice.between(2, most as u64));
        }
    }
    if spec.get("stopping").is_some() && dice.chance(0.6) {
        let percentile = json!({"percentile": {
            "percent": dice.pick(&[20, 50, 80]), "trials": dice.between(1, 3), "warmUp": dice.below(3),
        }});
        let threshold = json!({"threshold": {"value": 0.6 * dice.unit(), "warmUp": dice.below(3)}});
        spec["stopping"] = match dice.below(3) {
            0 => json!([percentile]),
            1 => json!([threshold]),
            _ => json!([percentile, threshold]),
        };
    }
}
