//! Values at levels, computed once more from what the programs printed, in another way than the operator does it.

use std::collections::BTreeMap;

use serde_json::Value;

/// Judges the values on a Trial. `fair` says that no line of its logs can have been lost.
#[must_use]
pub fn judge(trial: &Value, study: &Value, printed: Option<&BTreeMap<u32, f64>>, fair: bool) -> Option<String> {
    let minimize = study["spec"]["objectives"][0]["goal"] == "Minimize";
    for at in trial["status"]["values"].as_array().into_iter().flatten() {
        let level = u32::try_from(at["level"].as_u64().unwrap_or(0)).unwrap_or(0);
        for metric in at["metrics"].as_array().into_iter().flatten().filter(|m| m["name"] == "val") {
            let empty = BTreeMap::new();
            let reports: Vec<(u32, f64)> = printed.unwrap_or(&empty).range(..=level).map(|(e, v)| (*e, *v)).collect();
            if let Some(why) = exact(metric, &reports, minimize) {
                // Where lines can have been lost, a part of the reports must explain the values.
                let excuse = !fair && explained(metric, &reports);
                if !excuse {
                    return Some(format!("at level {level} {why}: {metric} of {reports:?}"));
                }
            }
        }
    }
    None
}

fn number(metric: &Value, name: &str) -> f64 {
    trimtab_engine::number::parse(metric[name].as_str().unwrap_or("")).unwrap_or(f64::INFINITY)
}

fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

fn exact(metric: &Value, reports: &[(u32, f64)], minimize: bool) -> Option<String> {
    let Some((_, last)) = reports.last() else { return Some("there is a value and nothing was printed".to_owned()) };
    if !same(number(metric, "last"), *last) {
        return Some(format!("last should be {last}"));
    }
    if metric["count"].as_u64() != Some(reports.len() as u64) {
        return Some(format!("count should be {}", reports.len()));
    }
    let finite = reports.iter().map(|(_, v)| *v).filter(|v| v.is_finite());
    let best = if minimize { finite.reduce(f64::min) } else { finite.reduce(f64::max) }.unwrap_or(*last);
    if !same(number(metric, "best"), best) {
        return Some(format!("best should be {best}"));
    }
    let mean = reports.iter().map(|(_, v)| v).sum::<f64>() / reports.len() as f64;
    (!same(number(metric, "mean"), mean)).then(|| format!("mean should be {mean}"))
}

/// Whether some of the reports, in order, can have given these values.
fn explained(metric: &Value, reports: &[(u32, f64)]) -> bool {
    let last = number(metric, "last");
    let count = metric["count"].as_u64().unwrap_or(0);
    let best = number(metric, "best");
    reports.iter().enumerate().any(|(index, (_, value))| same(*value, last) && count <= index as u64 + 1)
        && reports.iter().any(|(_, value)| same(*value, best))
}
