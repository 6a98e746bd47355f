//! The search space.
#![expect(unreachable_pub, reason = "KubeSchema copies each struct into a function, visibility included")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{LARGE, METRIC, PARAMETER, SAFE};

/// A parameter of the search space: exactly one of float, int, ordinal, categorical.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("[has(self.float), has(self.int), has(self.ordinal), has(self.categorical)].exists_one(given, given)", "must have exactly one of `float`, `int`, `ordinal`, `categorical`"))]
#[x_kube(validation = Rule::new("!has(self.otherwise) || (has(self.when) && self.when.size() > 0)").message("`otherwise` must be left out when `when` is: the parameter always exists").field_path(".otherwise"))]
pub struct Parameter {
    /// name matches `[a-z][a-z0-9_]*`. The container sees the value as `PARAM_` and the name in upper case.
    #[schemars(length(min = 1, max = 63), regex(pattern = PARAMETER))]
    pub name: String,
    /// float is a range of real numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub float: Option<FloatRange>,
    /// int is a range of whole numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub int: Option<IntRange>,
    /// ordinal is a list of numbers in rising order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<Ordinal>,
    /// categorical is a list of names without an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categorical: Option<Categorical>,
    /// when lists conditions on earlier parameters; the parameter exists when all hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub when: Vec<When>,
    /// otherwise is what the container sees when the parameter does not exist. Left out: arguments that name it are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub otherwise: Option<String>,
}

impl Parameter {
    /// Whether it is a float that takes any value of its range, so that it can have a derivative.
    pub(crate) fn is_continuum(&self) -> bool {
        self.float.as_ref().is_some_and(|float| float.step.is_none() && float.min < float.max)
    }
}

/// How a range is walked.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// Uniform in the value.
    #[default]
    Linear,
    /// Uniform in the logarithm.
    Log,
}

/// A range of real numbers, ends included.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.min <= self.max").message("`min` must not be above `max`").field_path(".min"))]
#[x_kube(validation = Rule::new("self.scale != 'Log' || self.min > 0.0").message("`min` must be above 0 on the scale Log").field_path(".min"))]
#[x_kube(validation = Rule::new("self.scale != 'Log' || !has(self.step)").message("`step` must be left out on the scale Log").field_path(".step"))]
pub struct FloatRange {
    /// min is the lowest value.
    #[schemars(range(min = -LARGE, max = LARGE))]
    pub min: f64,
    /// max is the highest value.
    #[schemars(range(min = -LARGE, max = LARGE))]
    pub max: f64,
    /// step makes the values `min`, `min + step`, and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = LARGE), extend("exclusiveMinimum" = true))]
    pub step: Option<f64>,
    /// scale is Linear (default) or Log.
    #[serde(default)]
    pub scale: Scale,
}

/// A range of whole numbers, ends included.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.min <= self.max").message("`min` must not be above `max`").field_path(".min"))]
#[x_kube(validation = Rule::new("self.scale != 'Log' || self.min > 0").message("`min` must be above 0 on the scale Log").field_path(".min"))]
#[x_kube(validation = Rule::new("self.scale != 'Log' || !has(self.step)").message("`step` must be left out on the scale Log").field_path(".step"))]
pub struct IntRange {
    /// min is the lowest value.
    #[schemars(range(min = -SAFE, max = SAFE))]
    pub min: i64,
    /// max is the highest value.
    #[schemars(range(min = -SAFE, max = SAFE))]
    pub max: i64,
    /// step makes the values `min`, `min + step`, and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = SAFE))]
    pub step: Option<i64>,
    /// scale is Linear (default) or Log.
    #[serde(default)]
    pub scale: Scale,
}

/// Numbers in rising order.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ordinal {
    /// values in rising order.
    #[schemars(length(min = 1, max = 256), inner(range(min = -LARGE, max = LARGE)))]
    pub values: Vec<f64>,
}

/// Names without an order.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Categorical {
    /// choices are the names.
    #[schemars(length(min = 1, max = 256), inner(length(max = 256)))]
    pub choices: Vec<String>,
}

/// A condition on an earlier parameter.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct When {
    /// parameter is the earlier parameter's name.
    #[schemars(length(min = 1, max = 63), regex(pattern = PARAMETER))]
    pub parameter: String,
    /// in lists the values, as text, under which the condition holds.
    #[serde(rename = "in")]
    #[schemars(length(min = 1, max = 256), inner(length(max = 256)), extend("x-kubernetes-list-type" = "set"))]
    pub is_in: Vec<String>,
}

/// A parameter's value as the container sees it.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParameterValue {
    /// name of the parameter.
    #[schemars(length(min = 1, max = 63), regex(pattern = PARAMETER))]
    pub name: String,
    /// value as text.
    #[schemars(length(max = 256))]
    pub value: String,
}

/// What must hold: of a configuration before it becomes a trial (expression), or of a metric that trials report (metric, with
/// min, max or both). A trial that breaks the second ranks behind every trial that keeps all, by how much it breaks them.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.expression) != has(self.metric)", "must have either `expression` or `metric`"))]
#[x_kube(validation = ("has(self.metric) == (has(self.min) || has(self.max))", "must have `min`, `max` or both with `metric`, and neither without"))]
#[x_kube(validation = Rule::new("!has(self.min) || !has(self.max) || self.min <= self.max").message("`min` must not be above `max`").field_path(".min"))]
pub struct Constraint {
    /// expression over the parameters: `hidden_units * layers <= 1024 && (optimizer == 'adam' || momentum > 0.5)`. What it says of a
    /// parameter that does not exist in a configuration counts as met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1_000))]
    pub expression: Option<String>,
    /// metric that trials report; it may be an objective's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = METRIC))]
    pub metric: Option<String>,
    /// min is the smallest value of the metric that is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -LARGE, max = LARGE))]
    pub min: Option<f64>,
    /// max is the largest value of the metric that is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -LARGE, max = LARGE))]
    pub max: Option<f64>,
}

/// A known starting point.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartPoint {
    /// values of parameters. Those that are left out are drawn at random.
    #[schemars(length(min = 1, max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub values: Vec<ParameterValue>,
}
