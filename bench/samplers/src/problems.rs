//! The problems: their spaces, and what a configuration is worth. All are minimized.
//!
//! They are defined here only: peers ask this program for the spaces and values (`peers.py`).

use anyhow::{Context as _, anyhow};
use serde_json::{Map, Value, json};
use trimtab_engine::{Assignment, Condition, Domain, Parameter, Scale, Space};

use crate::functions;

/// A configuration by the parameters' names: numbers and texts.
pub(crate) type Point = Map<String, Value>;

/// A problem.
pub(crate) struct Problem {
    pub(crate) name: &'static str,
    /// What is known of its kind, for the table.
    pub(crate) about: &'static str,
    /// The smallest value there is, without noise.
    pub(crate) optimum: f64,
    /// The standard deviation of the normal noise on what a trial reports.
    pub(crate) noise: f64,
    pub(crate) space: fn() -> Space,
    pub(crate) value: fn(&Point) -> Option<f64>,
}

/// All problems.
pub(crate) const PROBLEMS: [Problem; 7] = [
    Problem {
        name: "hartmann6",
        about: "six floats, six minima",
        optimum: -3.322_368_011_415_51,
        noise: 0.0,
        space: || floats(6, 0.0, 1.0),
        value: functions::hartmann6,
    },
    Problem {
        name: "branin",
        about: "two floats, three minima",
        optimum: 0.397_887_357_729_739,
        noise: 0.0,
        space: branin,
        value: functions::branin,
    },
    Problem {
        name: "mixed10",
        about: "a training job's ten parameters: floats, logs, steps, categories",
        optimum: 0.0,
        noise: 0.0,
        space: mixed10,
        value: functions::mixed10,
    },
    Problem {
        name: "branches",
        about: "conditional: three models with parameters of their own, down to three levels",
        optimum: 0.0,
        noise: 0.0,
        space: branches,
        value: functions::branches,
    },
    Problem {
        name: "ints8",
        about: "eight integers: linear, logarithmic and in steps",
        optimum: 0.0,
        noise: 0.0,
        space: ints8,
        value: functions::ints8,
    },
    Problem {
        name: "noisy6",
        about: "hartmann6 under normal noise of 0.2",
        optimum: -3.322_368_011_415_51,
        noise: 0.2,
        space: || floats(6, 0.0, 1.0),
        value: functions::hartmann6,
    },
    Problem {
        name: "levy20",
        about: "twenty floats, many minima",
        optimum: 0.0,
        noise: 0.0,
        space: || floats(20, -10.0, 10.0),
        value: functions::levy,
    },
];

/// The problem of this name.
pub(crate) fn by_name(name: &str) -> anyhow::Result<&'static Problem> {
    let names: Vec<&str> = PROBLEMS.iter().map(|problem| problem.name).collect();
    let found = PROBLEMS.iter().find(|problem| problem.name == name);
    found.ok_or_else(|| anyhow!("no problem `{name}`; there are {}", names.join(", ")))
}

impl Problem {
    /// What the trial reports, and what it is worth without noise.
    ///
    /// The noise belongs to the study's seed and the trial's number, so that every sampler meets the same.
    pub(crate) fn evaluate(&self, point: &Point, seed: u64, number: u32) -> anyhow::Result<(f64, f64)> {
        let truth = (self.value)(point).with_context(|| format!("`{}` cannot be evaluated at {point:?}", self.name))?;
        Ok((truth + self.noise * functions::normal(seed, number), truth))
    }

    /// The problem for programs in other languages.
    pub(crate) fn describe(&self) -> Value {
        let parameters: Vec<Value> = (self.space)().parameters.iter().map(describe).collect();
        json!({
            "problem": self.name, "about": self.about, "optimum": self.optimum, "noise": self.noise,
            "parameters": parameters,
        })
    }
}

/// A configuration as a point.
pub(crate) fn point(assignment: &Assignment) -> Point {
    let value = |value: &trimtab_engine::Value| match value {
        trimtab_engine::Value::Float(x) => json!(x),
        trimtab_engine::Value::Int(x) => json!(x),
        trimtab_engine::Value::Choice(x) => json!(x),
    };
    assignment.values.iter().map(|(name, given)| (name.clone(), value(given))).collect()
}

/// A parameter for programs in other languages.
pub(crate) fn describe(parameter: &Parameter) -> Value {
    let is_log = |scale: &Scale| *scale == Scale::Log;
    let domain = match &parameter.domain {
        Domain::Float { min, max, step, scale } => {
            json!({"kind": "float", "min": min, "max": max, "step": step, "log": is_log(scale)})
        }
        Domain::Int { min, max, step, scale } => {
            json!({"kind": "int", "min": min, "max": max, "step": step, "log": is_log(scale)})
        }
        Domain::Ordinal { values } => json!({"kind": "ordinal", "values": values}),
        Domain::Categorical { choices } => json!({"kind": "categorical", "choices": choices}),
    };
    let when: Vec<Value> =
        parameter.when.iter().map(|when| json!({"parameter": when.parameter, "in": when.is_in})).collect();
    json!({"name": parameter.name, "domain": domain, "when": when})
}

fn parameter(name: &str, domain: Domain) -> Parameter {
    Parameter { name: name.to_owned(), domain, when: Vec::new() }
}

fn when(mut parameter: Parameter, parent: &str, is_in: &[&str]) -> Parameter {
    let is_in = is_in.iter().map(|&text| text.to_owned()).collect();
    parameter.when.push(Condition { parameter: parent.to_owned(), is_in });
    parameter
}

fn float(name: &str, min: f64, max: f64) -> Parameter {
    parameter(name, Domain::Float { min, max, step: None, scale: Scale::Linear })
}

fn log(name: &str, min: f64, max: f64) -> Parameter {
    parameter(name, Domain::Float { min, max, step: None, scale: Scale::Log })
}

fn int(name: &str, min: i64, max: i64) -> Parameter {
    parameter(name, Domain::Int { min, max, step: None, scale: Scale::Linear })
}

fn log_int(name: &str, min: i64, max: i64) -> Parameter {
    parameter(name, Domain::Int { min, max, step: None, scale: Scale::Log })
}

fn step_int(name: &str, min: i64, max: i64, step: i64) -> Parameter {
    parameter(name, Domain::Int { min, max, step: Some(step), scale: Scale::Linear })
}

fn choice(name: &str, choices: &[&str]) -> Parameter {
    parameter(name, Domain::Categorical { choices: choices.iter().map(|&choice| choice.to_owned()).collect() })
}

fn floats(count: usize, min: f64, max: f64) -> Space {
    Space { parameters: (0..count).map(|i| float(&format!("x{i}"), min, max)).collect() }
}

fn branin() -> Space {
    Space { parameters: vec![float("x0", -5.0, 10.0), float("x1", 0.0, 15.0)] }
}

fn mixed10() -> Space {
    Space {
        parameters: vec![
            log("lr", 1e-5, 1e-1),
            log("wd", 1e-6, 1e-2),
            float("momentum", 0.5, 0.999),
            float("dropout", 0.0, 0.6),
            float("smoothing", 0.0, 0.2),
            int("layers", 1, 8),
            log_int("width", 16, 1024),
            step_int("batch", 16, 512, 16),
            choice("optimizer", &["sgd", "adam", "rmsprop", "lamb"]),
            choice("activation", &["relu", "gelu", "tanh"]),
        ],
    }
}

fn branches() -> Space {
    let forest = |parameter| when(parameter, "model", &["forest"]);
    let network = |parameter| when(parameter, "model", &["network"]);
    Space {
        parameters: vec![
            choice("model", &["linear", "forest", "network"]),
            when(log("alpha", 1e-4, 1e2), "model", &["linear"]),
            forest(log_int("trees", 10, 1000)),
            forest(int("depth", 1, 20)),
            forest(float("features", 0.1, 1.0)),
            network(int("layers", 1, 4)),
            network(log("lr", 1e-5, 1e-1)),
            network(choice("optimizer", &["sgd", "adam"])),
            when(float("momentum", 0.0, 0.99), "optimizer", &["sgd"]),
            network(log_int("units1", 8, 512)),
            when(log_int("units2", 8, 512), "layers", &["2", "3", "4"]),
            when(log_int("units3", 8, 512), "layers", &["3", "4"]),
            when(log_int("units4", 8, 512), "layers", &["4"]),
        ],
    }
}

fn ints8() -> Space {
    Space {
        parameters: vec![
            int("i0", 0, 100),
            int("i1", 0, 100),
            int("i2", 0, 100),
            int("i3", 0, 100),
            log_int("i4", 1, 1000),
            log_int("i5", 1, 1000),
            step_int("i6", -50, 50, 5),
            int("i7", 0, 3),
        ],
    }
}
