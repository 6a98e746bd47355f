//! The CEL rules of the CustomResourceDefinitions, compiled once a thread.
//!
//! kube's evaluator converts a value at every node that it walks, so the schema is first cut down to the paths that lead to a rule.

use std::collections::BTreeMap;
use std::rc::Rc;

use kube::core::cel::{CompiledSchema, Validator, apply_defaults, compile_schema};
use serde_json::{Map, Value, json};

use crate::resource::Resource;
use crate::store::Part;

/// The rules of both kinds. A clone shares the compiled programs.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    compiled: Rc<BTreeMap<(Resource, Part), CompiledSchema>>,
    schemas: Rc<BTreeMap<Resource, Value>>,
    validator: Rc<Validator>,
}

impl Rules {
    /// Compiles the rules of these CustomResourceDefinitions.
    ///
    /// # Errors
    /// When a rule does not compile, or a definition has no schema.
    pub fn new(definitions: &[Value]) -> Result<Self, String> {
        let (mut compiled, mut schemas) = (BTreeMap::new(), BTreeMap::new());
        for definition in definitions {
            let kind = definition["spec"]["names"]["kind"].as_str().unwrap_or("");
            let resource = Resource::ALL.into_iter().find(|r| r.kind() == kind && r.is_custom());
            let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            let (Some(resource), true) = (resource, schema.is_object()) else {
                return Err(format!("no schema of `{kind}`"));
            };
            schemas.insert(resource, schema.clone());
            for (part, other) in [(Part::Main, "status"), (Part::Status, "spec")] {
                let mut half = schema.clone();
                if let Some(properties) = half["properties"].as_object_mut() {
                    properties.remove(other);
                }
                // What the part that stays tells about the whole was told when it was written.
                if let Some(rules) = half["x-kubernetes-validations"].as_array_mut() {
                    rules.retain(|rule| !rule["rule"].as_str().unwrap_or("").contains(&format!("self.{other}")));
                }
                let half = compile_schema(&pruned(&half).unwrap_or_default());
                errors(&half, kind)?;
                compiled.insert((resource, part), half);
            }
        }
        Ok(Self { compiled: Rc::new(compiled), schemas: Rc::new(schemas), validator: Rc::new(Validator::new()) })
    }

    /// An object with the defaults of its schema.
    #[must_use]
    pub fn defaulted(&self, resource: Resource, object: Value) -> Value {
        match self.schemas.get(&resource) {
            Some(schema) => apply_defaults(schema, &object),
            None => object,
        }
    }

    /// Whether an object may be written, over an old one. A write of the one part leaves the other as it was, and so within its
    /// rules: those are not evaluated again.
    ///
    /// # Errors
    /// The messages of the rules that it breaks.
    pub fn check(&self, resource: Resource, part: Part, object: &Value, old: Option<&Value>) -> Result<(), String> {
        let Some(schema) = self.compiled.get(&(resource, part)) else { return Ok(()) };
        let half = |object: &Value| -> Value {
            let name = if part == Part::Status { "status" } else { "spec" };
            let mut half = json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": {"name": object["metadata"]["name"]}});
            if !object[name].is_null() {
                half[name] = object[name].clone();
            }
            half
        };
        let (object, old) = (&half(object), old.map(half));
        let old = old.as_ref();
        self.validator.validate_compiled(schema, object, old).map_err(|errors| {
            errors.into_vec().iter().map(|e| format!("{e} ({})", e.rule)).collect::<Vec<_>>().join("; ")
        })
    }
}

fn errors(schema: &CompiledSchema, path: &str) -> Result<(), String> {
    if let Some(error) = schema.compilation_errors().first() {
        return Err(format!("a rule at {path} does not compile: {error}"));
    }
    schema.properties.iter().try_for_each(|(name, child)| errors(child, &format!("{path}.{name}")))?;
    schema.items.iter().try_for_each(|child| errors(child, &format!("{path}[]")))
}

/// The schema without the subtrees in which no rule is.
fn pruned(schema: &Value) -> Option<Value> {
    let node = schema.as_object()?;
    let mut kept = Map::new();
    let mut leads = node.contains_key("x-kubernetes-validations");
    for (name, value) in node {
        match name.as_str() {
            "properties" => {
                let ruled = |v: &Value| pruned(v);
                leads |= value.as_object()?.values().any(|v| ruled(v).is_some());
                // A default is needed where a rule of the parent reads the field.
                let children: Map<_, _> = value
                    .as_object()?
                    .iter()
                    .filter_map(|(n, v)| Some((n.clone(), ruled(v).or_else(|| v.get("default").map(|_| v.clone()))?)))
                    .collect();
                kept.insert(name.clone(), Value::Object(children));
            }
            "items" if value.is_object() => {
                if let Some(child) = pruned(value) {
                    leads = true;
                    kept.insert(name.clone(), child);
                }
            }
            "additionalProperties" if value.is_object() => {
                let child = pruned(value);
                leads |= child.is_some();
                // The node stays a map, whose keys are data and not names of fields.
                kept.insert(name.clone(), child.unwrap_or(Value::Bool(true)));
            }
            "description" => {}
            _ => {
                kept.insert(name.clone(), value.clone());
            }
        }
    }
    leads.then_some(Value::Object(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transition_rule_below_unruled_parents_is_enforced() {
        let definition = json!({"spec": {"names": {"kind": "Trial"}, "versions": [{"schema": {"openAPIV3Schema": {
            "type": "object", "properties": {
                "status": {"type": "object"},
                "spec": {"type": "object", "properties": {"level": {"type": "integer",
                    "x-kubernetes-validations": [{"rule": "self >= oldSelf", "message": "must not fall"}]}}}}}}}]}});
        let rules = Rules::new(&[definition]).unwrap();
        let at = |level: u32| json!({"spec": {"level": level}, "status": {"x": 1}});
        assert!(rules.check(Resource::Trial, Part::Main, &at(2), Some(&at(1))).is_ok());
        assert!(rules.check(Resource::Trial, Part::Main, &at(1), Some(&at(2))).unwrap_err().contains("must not fall"));
        assert!(rules.check(Resource::Trial, Part::Main, &at(1), None).is_ok());
        assert!(rules.check(Resource::Job, Part::Main, &at(1), Some(&at(2))).is_ok());
    }
}
