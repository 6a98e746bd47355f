//! What a seed sets up: studies, nodes, operators, users, and when the storm ends.

mod apart;

use serde_json::{Value, json};

use crate::clock::{MINUTE, Millis, SECOND};
use crate::dice::Dice;

/// The namespace of every study.
pub const NAMESPACE: &str = "lab";

/// A user's deed.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// Creates a Study.
    Create(String, Box<Value>),
    /// Suspends a Study, or resumes it.
    Suspend(String, bool),
    /// Sets the limit of trials.
    Trials(String, u64),
    /// Sets the parallelism.
    Parallelism(String, u64),
    /// Sets the target.
    Target(String, f64),
    /// Deletes a Trial, by chance.
    DeleteTrial(u64),
    /// Deletes a Job, by chance.
    DeleteJob(u64),
    /// Deletes a pod, by chance; at once, if it says so.
    DeletePod(u64, bool),
    /// Deletes a Study.
    DeleteStudy(String),
    /// Takes the label off a Job or pod, by chance, or puts a foreign one on.
    Relabel(u64),
    /// Writes an annotation on a Trial, by chance.
    Annotate(u64),
}

/// What a seed sets up.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Places on each node.
    pub slots: Vec<usize>,
    /// How many operators believe to lead.
    pub operators: usize,
    /// When they are paused: which, from when, for how long.
    pub pauses: Vec<(usize, Millis, Millis)>,
    /// What users do and when.
    pub deeds: Vec<(Millis, Deed)>,
    /// When faults end.
    pub calm_at: Millis,
    /// The share of trials whose training behaves oddly.
    pub oddness: f64,
    /// How often an image cannot be pulled at first.
    pub image_trouble: f64,
}

impl Setting {
    /// Whether the definition of one of its studies holds this word, such as `percentile` or `Tournament`.
    #[must_use]
    pub fn mentions(&self, word: &str) -> bool {
        self.deeds.iter().any(|(_, deed)| matches!(deed, Deed::Create(_, study) if study.to_string().contains(word)))
    }

    /// The setting of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "setting");
        let slots = (0..dice.between(1, 3)).map(|_| usize::try_from(dice.between(1, 6)).unwrap_or(1)).collect();
        let operators = if dice.chance(0.35) { 2 } else { 1 };
        let calm_at = dice.between(2 * MINUTE, 60 * MINUTE);
        let mut pauses = Vec::new();
        if operators == 2 && dice.chance(0.5) {
            let start = dice.below(calm_at);
            pauses.push((
                usize::try_from(dice.below(2)).unwrap_or(0),
                start,
                dice.between(10 * SECOND, 10 * MINUTE).min(calm_at - start),
            ));
        }
        let mut deeds = Vec::new();
        for index in 0..if dice.chance(0.2) { 2 } else { 1 } {
            let name = ["alpha", "beta"][index].to_owned();
            deeds.push((
                1 + dice.below(5 * SECOND),
                Deed::Create(name.clone(), Box::new(valid_study(&name, &mut dice))),
            ));
            users(&name, calm_at, &mut dice, &mut deeds);
        }
        learn(seed, &mut deeds);
        let oddness = if dice.chance(0.4) { 0.0 } else { 0.5 * dice.unit() };
        let image_trouble = if dice.chance(0.8) { 0.0 } else { 0.2 * dice.unit() };
        Self { slots, operators, pauses, deeds, calm_at, oddness, image_trouble }
    }
}

/// Lets the second of two studies begin with what the first finds out, now and then. Its dice are its own, so that other seeds
/// stay what they were.
fn learn(seed: u64, deeds: &mut [(Millis, Deed)]) {
    let mut dice = Dice::new(seed, "warm start");
    let made = deeds.iter().find_map(|(_, deed)| match deed {
        Deed::Create(name, study) if name == "alpha" => Some(study.clone()),
        _ => None,
    });
    // Who waits for a study that somebody deletes waits for good.
    let is_lost = deeds.iter().any(|(_, deed)| matches!(deed, Deed::DeleteStudy(name) if name == "alpha"));
    let second = deeds.iter_mut().find_map(|(_, deed)| match deed {
        Deed::Create(name, study) if name == "beta" => Some(study),
        _ => None,
    });
    let (Some(mut study), Some(second), false) = (made, second, is_lost || dice.chance(0.3)) else { return };
    study["metadata"]["name"] = json!("beta");
    study["spec"]["seed"] = json!(dice.below(1 << 40));
    study["spec"]["warmStart"] = json!({"studyName": "alpha"});
    if study["spec"]["scheduler"]["dehb"].is_null() {
        let samplers = [json!({"tpe": {"startupTrials": 3}}), json!({"genetic": {"population": 4}})];
        study["spec"]["sampler"] = dice.pick(&samplers).cloned().unwrap_or_default();
    }
    let typed = serde_json::from_value::<trimtab_api::Study>((*study).clone());
    if typed.is_ok_and(|study| trimtab_api::validate(&study).is_ok()) {
        *second = study;
    }
}

fn users(name: &str, calm_at: Millis, dice: &mut Dice, deeds: &mut Vec<(Millis, Deed)>) {
    if dice.chance(0.4) {
        return;
    }
    let mut suspended = false;
    for _ in 0..dice.between(1, 6) {
        let at = dice.between(6 * SECOND, calm_at);
        let chance = dice.word();
        let deed = match dice.below(20) {
            0..=3 => {
                suspended = true;
                deeds.push((at + dice.below(10 * MINUTE), Deed::Suspend(name.to_owned(), false)));
                Deed::Suspend(name.to_owned(), true)
            }
            4..=5 => Deed::Trials(name.to_owned(), dice.between(1, 20)),
            6..=7 => Deed::Parallelism(name.to_owned(), dice.between(1, 6)),
            8 => Deed::Target(name.to_owned(), 0.2 + 0.8 * dice.unit()),
            9..=11 => Deed::DeleteTrial(chance),
            12..=13 => Deed::DeleteJob(chance),
            14..=15 => Deed::DeletePod(chance, dice.chance(0.3)),
            16 if dice.chance(0.3) => Deed::DeleteStudy(name.to_owned()),
            16..=17 => Deed::Relabel(chance),
            _ => Deed::Annotate(chance),
        };
        deeds.push((at, deed));
    }
    if suspended {
        // Whoever suspended a study resumes it at last, or it would never end.
        deeds.push((calm_at + 15 * MINUTE, Deed::Suspend(name.to_owned(), false)));
    }
    if dice.chance(0.15) {
        deeds.push((calm_at + dice.below(30 * MINUTE), Deed::Trials(name.to_owned(), dice.between(4, 24))));
    }
}

/// A study by chance that passes every check.
#[must_use]
pub fn valid_study(name: &str, dice: &mut Dice) -> Value {
    loop {
        let drawn = study(name, dice);
        let typed = serde_json::from_value::<trimtab_api::Study>(drawn.clone());
        if typed.is_ok_and(|study| trimtab_api::validate(&study).is_ok()) {
            return drawn;
        }
    }
}

/// Makes a study look for a front.
fn several(spec: &mut Value, dice: &mut Dice) {
    if let Some(objective) = spec["objectives"][0].as_object_mut() {
        objective.remove("target");
    }
    if let Some(objectives) = spec["objectives"].as_array_mut() {
        objectives.push(json!({"metric": "cost", "goal": "Minimize", "reference": 1.0}));
    }
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("stopping");
        let is_grid = spec.get("sampler").is_some_and(|sampler| sampler["grid"].is_object());
        let proposes = spec.get("scheduler").is_some_and(|scheduler| scheduler["dehb"].is_object());
        if !is_grid && !proposes {
            let samplers =
                [json!({"random": {}}), json!({"genetic": {"population": 4}}), json!({"tpe": {"startupTrials": 3}})];
            let sampler = dice.pick(&samplers);
            spec.extend(sampler.map(|sampler| ("sampler".to_owned(), sampler.clone())));
        }
        let ladder = spec.get_mut("scheduler").and_then(Value::as_object_mut).and_then(|all| all.values_mut().next());
        if let Some(ladder) = ladder.filter(|_| dice.chance(0.5)) {
            ladder["rankBy"] = json!(dice.pick(&["val", "cost"]));
        }
    }
}

/// A study by chance: small, but of every kind.
#[must_use]
pub fn study(name: &str, dice: &mut Dice) -> Value {
    let mut parameters = vec![json!({"name": "rate", "float": {"min": 0.0001, "max": 0.1, "scale": "Log"}})];
    let grid = dice.chance(0.15);
    if grid || dice.chance(0.5) {
        parameters = vec![
            json!({"name": "width", "int": {"min": 1, "max": 4}}),
            json!({"name": "kind", "categorical": {"choices": ["a", "b", "c$(HOME)"]}}),
        ];
    }
    if dice.chance(0.3) && parameters.len() > 1 {
        parameters.push(json!({"name": "decay", "ordinal": {"values": [0.1, 0.5, 0.9]}, "when": [{"parameter": "kind", "in": ["a", "b"]}], "otherwise": "0"}));
    }
    let mut spec = json!({
        "objectives": [{"metric": "val", "goal": if dice.chance(0.7) { "Maximize" } else { "Minimize" }}],
        "parameters": parameters,
        "parallelism": dice.between(1, 6),
        "limits": {"trials": dice.between(2, 18)},
        "seed": dice.below(1 << 40),
        "trial": {
            "timeoutSeconds": dice.pick(&[120, 600, 1800]),
            "retain": dice.pick(&["None", "Failed", "All"]),
            "job": {"spec": {"template": {"spec": {
                "terminationGracePeriodSeconds": dice.pick(&[2, 10, 30]),
                "containers": [{"name": "train", "image": "sim", "args": ["--epochs=$(TRIMTAB_FIDELITY)", "--rate=$(PARAM_RATE)"]}],
            }}}},
        },
    });
    if parameters_lack_rate(&spec) {
        spec["trial"]["job"]["spec"]["template"]["spec"]["containers"][0]["args"] =
            json!(["--epochs=$(TRIMTAB_FIDELITY)", "--width=$(PARAM_WIDTH)"]);
    }
    if let Some(reduce) = dice.pick(&["Last", "Best", "Mean"]).filter(|_| dice.chance(0.5)) {
        spec["objectives"][0]["reduce"] = json!(reduce);
    }
    if dice.chance(0.1) {
        spec["objectives"][0]["target"] = json!(dice.unit());
    }
    if grid {
        spec["sampler"] = json!({"grid": {}});
    }
    let laddered = dice.chance(0.8);
    if laddered || dice.chance(0.7) {
        let max = dice.pick(&[3, 4, 8, 9]).copied().unwrap_or(4);
        spec["fidelity"] = json!({"unit": "epoch", "min": 1 + dice.below(2), "max": max});
        match dice.below(6) {
            0 => {
                spec["fidelity"]["kind"] = json!("Fresh");
                replace_argument(&mut spec, "--rows=$(TRIMTAB_FIDELITY)");
            }
            1 => {
                spec["fidelity"]["kind"] = json!("Repeat");
                replace_argument(&mut spec, "--fold=$(TRIMTAB_REPEAT)");
                // The judges know what each repeat comes to, and not what it prints on the way.
                spec["objectives"][0]["reduce"] = json!("Last");
            }
            _ => {}
        }
    } else {
        let args = &mut spec["trial"]["job"]["spec"]["template"]["spec"]["containers"][0]["args"];
        if let Some(args) = args.as_array_mut() {
            args.remove(0);
        }
    }
    if laddered {
        let run_through = if dice.chance(0.5) { "RunThrough" } else { "Restart" };
        let factor = dice.between(2, 4);
        spec["scheduler"] = match dice.below(4) {
            0 => json!({"hyperband": {"reductionFactor": factor, "withoutCheckpoint": run_through}}),
            3 => json!({"dehb": {"reductionFactor": factor}}),
            1 => {
                json!({"successiveHalving": {"reductionFactor": factor, "withoutCheckpoint": run_through, "configurations": dice.between(2, 9)}})
            }
            _ => {
                let form = if dice.chance(0.5) { "Promotion" } else { "Stopping" };
                json!({"asha": {"reductionFactor": factor, "form": form}})
            }
        };
    } else if spec["fidelity"].is_object() && dice.chance(0.5) {
        spec["stopping"] = json!([
            {"median": {"trials": dice.between(1, 4), "warmUp": dice.below(3)}},
            {"patience": {"fidelity": dice.between(2, 4), "delta": 0.01}},
        ]);
    }
    if !grid && dice.chance(0.2) {
        spec["sampler"] = json!({"bohb": {}});
    }
    if dice.chance(0.15) {
        spec["constraints"] = json!([{"metric": "cost", "max": 0.6}]);
    }
    if dice.chance(0.2) {
        several(&mut spec, dice);
    }
    if dice.chance(0.15) {
        spec["limits"]["fullTrainings"] = json!(dice.between(1, 8));
    }
    if dice.chance(0.15) {
        spec["limits"]["failedTrials"] = json!(dice.between(0, 3));
    }
    if dice.chance(0.1) {
        spec["limits"]["activeSeconds"] = json!(dice.between(30, 3_000));
    }
    apart::limit_hours(&mut spec, name);
    let is_population = apart::populate(&mut spec, name);
    apart::follow(&mut spec, name);
    apart::audit(&mut spec, name);
    apart::vary(&mut spec, name);
    if dice.chance(0.6) || is_population {
        spec["trial"]["checkpoint"] = json!({"claimName": "checkpoints", "mountPath": "/checkpoints"});
    }
    json!({"apiVersion": "trimtab.dev/v1alpha1", "kind": "Study", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec})
}

/// The first argument tells the program how far to go, in the words of the fidelity's kind.
fn replace_argument(spec: &mut Value, text: &str) {
    spec["trial"]["job"]["spec"]["template"]["spec"]["containers"][0]["args"][0] = json!(text);
}

fn parameters_lack_rate(spec: &Value) -> bool {
    spec["parameters"].as_array().is_some_and(|list| list.iter().all(|p| p["name"] != "rate"))
}
