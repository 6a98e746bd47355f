//! Every panel's query and every alert's expression, asked of the Prometheus that watched a whole run: at some moment of it each
//! must have said what it is for.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;
use trimtab_e2e::prometheus::{INTERVAL, Prometheus, Series};
use trimtab_e2e::release::chart;

/// Panels that show nothing but zero where nothing is wrong, and are right to: these must have values, and need not have others.
const QUIET: [&str; 6] = [
    // A panic is a defect.
    "operator/Panics",
    // All Studies of the run may have series of their own.
    "operator/Studies without series",
    // Whether a watch is late is a matter of chance.
    "operator/Behind the cluster",
    // The queue may be empty whenever it is looked at.
    "operator/Queue",
    "operator/Waiting in the queue",
    "operator/Workers",
];

/// Alerts whose expression is true at some moment of the run. Those of errors and of pushback may be: the API server is away for a moment.
const TRUE: [&str; 10] = [
    // Before the chart is installed.
    "TrimtabOperatorDown",
    // Between one leader and the next.
    "TrimtabNoLeader",
    "TrimtabStudyStalled",
    // Before the first run has ended.
    "TrimtabNothingFinishes",
    "TrimtabFailureBurst",
    "TrimtabTrialsCannotStart",
    "TrimtabTrialsWait",
    "TrimtabRunsRefused",
    "TrimtabLogMetricsMissing",
    "TrimtabLimitNear",
];

/// Alerts whose expression is never true in the run: for these, the same expression without its threshold must have values.
const NEVER: [&str; 5] =
    ["TrimtabReconcilePanics", "TrimtabQueueStuck", "TrimtabDecisionsSlow", "TrimtabWasteHigh", "TrimtabObjectLarge"];

/// A run that Prometheus has watched: from one time to another in Unix seconds, and the Study that the dashboard of one Study shows.
pub(crate) struct Watched<'p> {
    pub(crate) prometheus: &'p Prometheus,
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) study: &'p str,
}

/// All queries of the dashboards, with the dashboard's file and the panel's title.
fn panels() -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(chart().join("files/dashboards"))? {
        let path = entry?.path();
        let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
        let name = path.file_stem().and_then(|name| name.to_str()).context("no name")?;
        for panel in dashboard["panels"].as_array().context("no panels")? {
            let title = format!("{name}/{}", panel["title"].as_str().unwrap_or_default());
            let targets = panel["targets"].as_array().into_iter().flatten();
            all.extend(targets.filter_map(|target| Some((title.clone(), target["expr"].as_str()?.to_owned()))));
        }
    }
    Ok(all)
}

/// All alerts with their expressions.
fn alerts() -> Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(chart().join("files/alerts.yaml"))?;
    let file: Value = serde_saphyr::from_str(&text).map_err(|error| anyhow!("{error}"))?;
    let groups = file["groups"].as_array().into_iter().flatten();
    let rules = groups.flat_map(|group| group["rules"].as_array().into_iter().flatten());
    let pair = |rule: &Value| Some((rule["alert"].as_str()?.to_owned(), rule["expr"].as_str()?.to_owned()));
    Ok(rules.filter_map(pair).collect())
}

/// The expression with every threshold at zero, where everything is above it.
fn without_threshold(expression: &str) -> String {
    let mut words: Vec<String> = expression.split_whitespace().map(str::to_owned).collect();
    for index in 1..words.len() {
        if matches!(words.get(index - 1).map(String::as_str), Some(">" | ">=")) && words[index].parse::<f64>().is_ok() {
            ">=".clone_into(&mut words[index - 1]);
            "0".clone_into(&mut words[index]);
        }
    }
    words.join(" ")
}

fn values(series: &[Series]) -> impl Iterator<Item = f64> {
    series.iter().flat_map(|one| one.points.iter().map(|point| point.1)).filter(|value| value.is_finite())
}

impl Watched<'_> {
    fn seconds(&self) -> u32 {
        // A run takes minutes; anything else is a defect of the test, which then finds nothing.
        format!("{:.0}", self.to - self.from).parse().unwrap_or(0)
    }

    /// What Grafana puts in the place of variables.
    fn filled(&self, expression: &str) -> String {
        let replaced = expression.replace("$__rate_interval", &format!("{}s", 8 * INTERVAL));
        let replaced = replaced.replace("$__range", &format!("{}s", self.seconds()));
        replaced.replace("$namespace", ".*").replace("$study", self.study)
    }

    /// Every query of every panel.
    pub(crate) fn panels_show_what_they_are_for(&self) -> Result<()> {
        let panels = panels()?;
        ensure!(panels.len() > 60, "only {} queries were found", panels.len());
        let titles: BTreeSet<&str> = panels.iter().map(|(title, _)| title.as_str()).collect();
        ensure!(QUIET.iter().all(|title| titles.contains(title)), "a quiet panel is no panel of these: {titles:?}");
        let mut empty = Vec::new();
        for (title, expression) in &panels {
            let series = self.prometheus.over(&self.filled(expression), self.from, self.to).context(title.clone())?;
            let (mut any, mut more) = (false, false);
            for value in values(&series) {
                any = true;
                more |= value != 0.0;
            }
            if !any || !(more || QUIET.contains(&title.as_str())) {
                let why = if any { "was always zero" } else { "had no value" };
                empty.push(format!("{title} {why}: {expression}"));
            }
        }
        eprintln!("{} queries of panels, {} without what they are for", panels.len(), empty.len());
        ensure!(empty.is_empty(), "{}", empty.join("\n"));
        Ok(())
    }

    /// Every expression of every alert.
    pub(crate) fn alerts_speak_when_they_must_and_only_then(&self) -> Result<()> {
        let alerts = alerts()?;
        let names: BTreeSet<&str> = alerts.iter().map(|(name, _)| name.as_str()).collect();
        ensure!(TRUE.iter().chain(&NEVER).all(|name| names.contains(name)), "an expectation is of no alert");
        let mut wrong = Vec::new();
        for (name, expression) in &alerts {
            let series = self.prometheus.over(expression, self.from, self.to).context(name.clone())?;
            let is_true = values(&series).next().is_some();
            if TRUE.contains(&name.as_str()) && !is_true {
                wrong.push(format!("{name} was never true: {expression}"));
            }
            if NEVER.contains(&name.as_str()) && is_true {
                wrong.push(format!("{name} was true: {expression}"));
            }
            if !is_true {
                let bare = without_threshold(expression);
                let series = self.prometheus.over(&bare, self.from, self.to).context(name.clone())?;
                if values(&series).next().is_none() {
                    wrong.push(format!("{name} has no values: {bare}"));
                }
            }
        }
        eprintln!("{} alerts, {} not as they should be", alerts.len(), wrong.len());
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        self.prometheus_evaluates_them(alerts.len())
    }

    /// The rule file is loaded as it is, and Prometheus itself evaluates every rule without an error.
    fn prometheus_evaluates_them(&self, count: usize) -> Result<()> {
        let loaded = self.prometheus.get("rules", &[])?;
        let groups = loaded["groups"].as_array().into_iter().flatten();
        let rules: Vec<&Value> = groups.flat_map(|group| group["rules"].as_array().into_iter().flatten()).collect();
        ensure!(rules.len() == count, "{} rules are loaded of {count}", rules.len());
        let sick: Vec<_> = rules.iter().filter(|rule| rule["health"] != "ok").collect();
        ensure!(sick.is_empty(), "{sick:?}");
        // And what it evaluates is what it tells: the alert that has waited for nothing is pending or firing.
        let told = self.prometheus.over(
            "ALERTS{alertname=\"TrimtabLogMetricsMissing\",alertstate=\"firing\"}",
            self.from,
            self.to,
        )?;
        ensure!(!told.is_empty(), "TrimtabLogMetricsMissing waits for nothing and did not fire");
        Ok(())
    }

    /// A number now; zero where there is no series.
    pub(crate) fn number(&self, expression: &str) -> Result<f64> {
        Ok(self.prometheus.now(&self.filled(expression))?.into_iter().sum())
    }
}
