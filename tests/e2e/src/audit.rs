//! What the API server was asked, from its audit log.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::Deserialize;

/// Who the operator is.
pub const OPERATOR: &str = "system:serviceaccount:trimtab-system:trimtab-operator";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    verb: String,
    user: User,
    #[serde(default)]
    object_ref: Option<Object>,
    #[serde(default)]
    response_status: Option<Response>,
    #[serde(default, rename = "requestURI")]
    uri: String,
    request_received_timestamp: Timestamp,
}

#[derive(Debug, Deserialize)]
struct User {
    username: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    #[serde(default)]
    api_group: String,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
}

#[derive(Debug, Default, Deserialize)]
struct Response {
    #[serde(default)]
    code: u16,
}

/// A request of the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When the API server had it in hand.
    pub at: Timestamp,
    /// `create`, `update`, `delete`, `get`, `list`, `watch` …
    pub verb: String,
    /// `batch`; empty for the core.
    pub group: String,
    /// `jobs`, `trials/status` …
    pub resource: String,
    /// The object's name.
    pub name: String,
    /// The answer's code.
    pub code: u16,
    /// Nothing was to be kept of it.
    pub dry: bool,
}

impl Call {
    /// Whether it was meant to change something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        !self.dry && matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
    }
}

/// The operator's calls in a namespace, in their order.
///
/// # Errors
/// When the log cannot be read.
pub fn calls(log: &Path, namespace: &str) -> Result<Vec<Call>> {
    calls_of(log, OPERATOR, Some(namespace))
}

/// Somebody's calls in a namespace, or in all and for what has none, in their order.
///
/// # Errors
/// When the log cannot be read.
pub fn calls_of(log: &Path, user: &str, namespace: Option<&str>) -> Result<Vec<Call>> {
    let text = std::fs::read_to_string(log).with_context(|| log.display().to_string())?;
    // The last line may be half written.
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let ours = lines.filter(|line| line.user.username == user);
    let mut calls: Vec<Call> = ours
        .filter_map(|line| {
            let object =
                line.object_ref.filter(|object| namespace.is_none_or(|namespace| object.namespace == namespace))?;
            let resource = if object.subresource.is_empty() {
                object.resource
            } else {
                format!("{}/{}", object.resource, object.subresource)
            };
            let code = line.response_status.unwrap_or_default().code;
            Some(Call {
                at: line.request_received_timestamp,
                verb: line.verb,
                group: object.api_group,
                resource,
                name: object.name,
                code,
                dry: line.uri.contains("dryRun="),
            })
        })
        .collect();
    calls.sort_by_key(|call| call.at);
    Ok(calls)
}

/// How many writes there were of each kind, those that were refused by themselves: `update trials/status`, `update trials/status 409`.
#[must_use]
pub fn writes(calls: &[Call]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls.iter().filter(|call| call.is_write()) {
        let refused = if call.code >= 400 { format!(" {}", call.code) } else { String::new() };
        *counts.entry(format!("{} {}{refused}", call.verb, call.resource)).or_default() += 1;
    }
    counts
}
