//! The studies that are looked at.

use anyhow::{Result, anyhow};
use serde_json::Value;
use trimtab_api::Trial;

use crate::play::{Metrics, World, play};

/// What every Study here has besides its search.
const TRIAL: &str = r#"
  trial:
    checkpoint: {claimName: checkpoints}
    job:
      spec:
        template:
          spec:
            containers:
            - name: train
              image: registry.example/train:1
              args: [train, "--epochs=$(TRIMTAB_FIDELITY)", "--momentum=$(PARAM_MOMENTUM)"]
"#;

const SPACE: &str = r"
  parameters:
  - {name: learning_rate, float: {min: 1.0e-4, max: 1.0e-1, scale: Log}}
  - {name: batch_size, ordinal: {values: [32, 64, 128, 256]}}
  - {name: hidden_units, int: {min: 32, max: 512, step: 32}}
  - {name: layers, int: {min: 1, max: 4}}
  - {name: activation, categorical: {choices: [relu, gelu, tanh, leaky_relu]}}
  - {name: optimizer, categorical: {choices: [sgd, adam]}}
  - {name: momentum, float: {min: 0.5, max: 0.99}, when: [{parameter: optimizer, in: [sgd]}]}
  - {name: dropout, float: {min: 0, max: 0.6}}
";

fn study(name: &str, search: &str) -> String {
    format!("apiVersion: trimtab.dev/v1alpha1\nkind: Study\nmetadata: {{name: {name}}}\nspec:{SPACE}{search}{TRIAL}")
}

/// A study of the space above, played by as many workers.
fn played(name: &str, search: &str, lanes: usize) -> Result<Value> {
    play(&study(name, search), &World { lanes, metrics: &metrics, failure: &failure })
}

fn number(trial: &Trial, name: &str) -> Option<f64> {
    text(trial, name)?.parse().ok()
}

fn text<'t>(trial: &'t Trial, name: &str) -> Option<&'t str> {
    trial.spec.parameters.iter().find(|p| p.name == name).map(|p| p.value.as_str())
}

/// Something between 0 and 1 that differs by trial.
fn noise(number: u32, salt: u32) -> f64 {
    let mixed = number.wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503)) ^ 0x9e37;
    f64::from(mixed.wrapping_mul(2_246_822_519) >> 8) / f64::from(1_u32 << 24)
}

/// An accuracy that grows with training, most of it decided by the learning rate, some by the size, which costs time.
fn accuracy(trial: &Trial, epoch: f64) -> f64 {
    let rate = number(trial, "learning_rate").unwrap_or(1e-3).log10() + 2.2;
    let units = number(trial, "hidden_units").unwrap_or(64.0) / 512.0;
    let dropout = number(trial, "dropout").unwrap_or(0.0);
    let adam = if text(trial, "optimizer") == Some("adam") { 0.015 } else { 0.0 };
    let momentum = number(trial, "momentum").map_or(0.0, |momentum| 0.03 * momentum);
    let size = number(trial, "layers").unwrap_or(1.0) * units / 4.0;
    let end =
        0.85 + 0.1 * size.sqrt() - 0.11 * rate * rate - 0.12 * (dropout - 0.2) * (dropout - 0.2) + adam + momentum;
    let pace = 0.5 + 0.8 * noise(trial.spec.number, 1);
    let jitter = 0.008 * (noise(trial.spec.number, 7 + epoch as u32) - 0.5);
    (end - 0.35 * (-epoch * pace / 2.5).exp() + jitter).clamp(0.02, 0.999)
}

fn latency(trial: &Trial) -> f64 {
    let units = number(trial, "hidden_units").unwrap_or(64.0);
    let layers = number(trial, "layers").unwrap_or(1.0);
    1.5 + units * layers / 90.0 + 0.5 * noise(trial.spec.number, 5)
}

fn metrics(trial: &Trial, epoch: f64) -> Metrics {
    vec![("val_accuracy", accuracy(trial, epoch)), ("latency_ms", latency(trial))]
}

fn failure(number: u32) -> Option<(&'static str, String, i32)> {
    match number % 23 {
        7 => Some(("OutOfMemory", "the container was ended for memory".to_owned(), 137)),
        19 => Some(("ExitCode", format!("the container exited with {}", 1 + number % 2), 1)),
        _ => None,
    }
}

/// One objective, Hyperband over 27 epochs, 49 trials.
///
/// # Errors
/// When it cannot be played.
pub fn hyperband() -> Result<Value> {
    let search = "
  objectives: [{metric: val_accuracy, goal: Maximize}]
  fidelity: {unit: epoch, min: 1, max: 27}
  scheduler: {hyperband: {reductionFactor: 3}}
  limits: {trials: 98}
  parallelism: 8
  seed: 7
";
    played("digits", search, 8)
}

/// Two objectives, 120 trials.
///
/// # Errors
/// When it cannot be played.
pub fn front() -> Result<Value> {
    let search = "
  objectives: [{metric: val_accuracy, goal: Maximize}, {metric: latency_ms, goal: Minimize}]
  fidelity: {unit: epoch, min: 9, max: 9}
  limits: {trials: 120}
  parallelism: 4
  seed: 3
";
    played("two-goals", search, 4)
}

/// Hyperband with 10,000 trials.
///
/// # Errors
/// When it cannot be played.
pub fn large() -> Result<Value> {
    let search = "
  objectives: [{metric: val_accuracy, goal: Maximize}]
  fidelity: {unit: epoch, min: 1, max: 27}
  scheduler: {asha: {reductionFactor: 3}}
  limits: {trials: 10000}
  parallelism: 1000
  seed: 11
";
    played("ten-thousand", search, 64)
}

/// What a page must show as it is and never take for markup or script.
pub const HOSTILE: [&str; 7] = [
    "</script><script>window.taken = 1</script>",
    "<img src=x onerror='window.taken = 2'>",
    "<!--<script>",
    "]]><svg onload='window.taken = 3'>",
    "javascript:window.taken = 4",
    "\u{2028}\u{2029}'\"`${window.taken = 5}\\",
    "&lt;b&gt;&amp;",
];

/// A study in which every text that somebody may choose is hostile: the API would refuse some of it, a file holds anything.
///
/// # Errors
/// When it cannot be played.
pub fn hostile() -> Result<Value> {
    let mut list = hyperband()?;
    let items = list["items"].as_array_mut().ok_or_else(|| anyhow!("no items"))?;
    let evil = |at: usize| HOSTILE[at % HOSTILE.len()];
    for (at, item) in items.iter_mut().enumerate() {
        if let Some(parameters) = item.pointer_mut("/spec/parameters").and_then(Value::as_array_mut) {
            for parameter in parameters {
                if parameter["name"] == "activation" && parameter.get("value").is_some() {
                    parameter["value"] = evil(at).into();
                }
                if parameter["name"] == "activation" && parameter.get("categorical").is_some() {
                    parameter["categorical"]["choices"] = HOSTILE.to_vec().into();
                }
                if parameter["name"] == "dropout" {
                    parameter["name"] = HOSTILE[0].into();
                }
            }
        }
        for path in ["/status/state", "/status/outcome/message", "/status/outcome/reason", "/spec/stop/reason"] {
            if let Some(text) = item.pointer_mut(path) {
                *text = evil(at + path.len()).into();
            }
        }
    }
    items[0]["spec"]["fidelity"]["unit"] = HOSTILE[1].into();
    items[0]["spec"]["objectives"][0]["metric"] = HOSTILE[4].into();
    for item in items.iter_mut().skip(1) {
        for at in item.pointer_mut("/status/values").and_then(Value::as_array_mut).into_iter().flatten() {
            at["metrics"][0]["name"] = HOSTILE[4].into();
        }
    }
    Ok(list)
}
