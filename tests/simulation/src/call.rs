//! A request as the server understands it, and its answer.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::resource::{Key, Resource};
use crate::store::{Actor, DeleteOptions, Part, Propagation, Store};

/// What is asked of an object or a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET of an object.
    Get,
    /// GET of a list.
    List,
    /// GET of a pod's log.
    Log,
    /// POST.
    Create,
    /// PUT.
    Replace,
    /// PATCH with a merge patch.
    Merge,
    /// PATCH as server-side apply.
    Apply,
    /// DELETE.
    Delete,
}

impl Verb {
    /// Whether it can change anything.
    #[must_use]
    pub fn writes(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Log)
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is asked.
    pub verb: Verb,
    /// Of which object; its name is empty for a list. A namespace left out means all.
    pub key: Key,
    /// Of which part.
    pub part: Part,
    /// The query's pairs.
    pub query: Vec<(String, String)>,
    /// The body, or null.
    pub body: Value,
}

/// An answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// An object, with the HTTP status.
    Object(u16, Arc<Value>),
    /// A text: a log.
    Text(String),
    /// A refusal.
    Refused(Failure),
    /// None: the connection broke or timed out.
    Lost(&'static str),
}

impl Call {
    /// Reads an HTTP request.
    ///
    /// # Errors
    /// When the server serves no such thing.
    pub fn parse(method: &Method, path: &str, query: &str, content: &str, body: &[u8]) -> Result<Self, Failure> {
        let unknown = || Failure::not_allowed(&format!("{method} {path}"));
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (api_version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ((*version).to_owned(), rest),
            ["apis", group, version, rest @ ..] => (format!("{group}/{version}"), rest),
            _ => return Err(unknown()),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] => (*namespace, rest),
            rest => ("", rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (*plural, "", ""),
            [plural, name] => (*plural, *name, ""),
            [plural, name, subresource] => (*plural, *name, *subresource),
            _ => return Err(unknown()),
        };
        let resource = Resource::find(&api_version, plural).ok_or_else(unknown)?;
        let query: Vec<(String, String)> = query.split('&').filter_map(pair).collect();
        if query.iter().any(|(k, v)| (k == "watch" || k == "follow") && v == "true") {
            return Err(Failure::not_allowed("watches and follows"));
        }
        let verb = match (method.as_str(), name, subresource) {
            ("GET", "", _) => Verb::List,
            ("GET", _, "log") if resource == Resource::Pod => Verb::Log,
            ("GET", _, "" | "status") => Verb::Get,
            ("POST", "", _) => Verb::Create,
            ("PUT", _, "" | "status") => Verb::Replace,
            ("PATCH", _, "" | "status") if content.starts_with("application/merge-patch") => Verb::Merge,
            ("PATCH", _, "" | "status") if content.starts_with("application/apply-patch") => Verb::Apply,
            ("DELETE", name, "") if !name.is_empty() => Verb::Delete,
            _ => return Err(unknown()),
        };
        let body: Value = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(body).map_err(|e| Failure::bad_request(e.to_string()))?
        };
        let name = if verb == Verb::Create { body["metadata"]["name"].as_str().unwrap_or("") } else { name };
        let part = if subresource == "status" { Part::Status } else { Part::Main };
        Ok(Self { verb, key: Key::new(resource, namespace, name), part, query, body })
    }

    /// The value of a query's pair.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    /// Whether nothing is to be stored.
    #[must_use]
    pub fn dry_run(&self) -> bool {
        self.query("dryRun") == Some("All") || self.body["dryRun"][0] == "All"
    }

    /// Whether it changes anything when it succeeds.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.verb.writes() && !self.dry_run()
    }

    /// Carries a request out on the store, and takes its body for it; a log is not the store's.
    #[must_use]
    pub fn serve(&mut self, store: &mut Store, actor: Actor) -> Answer {
        self.try_serve(store, actor).unwrap_or_else(Answer::Refused)
    }

    fn try_serve(&mut self, store: &mut Store, actor: Actor) -> Result<Answer, Failure> {
        let dry_run = self.dry_run();
        let body = if self.verb == Verb::Delete { Value::Null } else { self.body.take() };
        let key = &self.key;
        let object = Answer::Object;
        match self.verb {
            Verb::Get => match store.get(key) {
                Some(held) => Ok(object(200, held.clone())),
                None => Err(Failure::not_found(key.resource.qualified(), &key.name)),
            },
            Verb::List => {
                let namespace = (!key.namespace.is_empty()).then_some(key.namespace.as_str());
                let (labels, fields) = (self.query("labelSelector"), self.query("fieldSelector"));
                let items = store.list(key.resource, namespace, labels.unwrap_or(""), fields.unwrap_or(""));
                let items: Vec<Value> = items.iter().map(|o| (**o).clone()).collect();
                let list = json!({
                    "apiVersion": key.resource.api_version(), "kind": format!("{}List", key.resource.kind()),
                    "metadata": {"resourceVersion": store.version().to_string()}, "items": items,
                });
                Ok(object(200, Arc::new(list)))
            }
            Verb::Log => Err(Failure::not_allowed("logs")),
            Verb::Create => Ok(object(201, store.create(key, body, dry_run, actor)?)),
            Verb::Replace => Ok(object(200, store.replace(key, body, self.part, dry_run, actor)?)),
            Verb::Merge => Ok(object(200, store.merge(key, &body, self.part, dry_run, actor)?)),
            Verb::Apply => Ok(object(200, store.apply(key, &body, dry_run, actor)?)),
            Verb::Delete => {
                let (held, gone) = store.delete(key, &self.delete_options(), actor)?;
                if !gone {
                    return Ok(object(200, held));
                }
                let details = json!({"name": key.name, "kind": key.resource.plural(), "uid": held["metadata"]["uid"]});
                let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
                Ok(object(200, Arc::new(status)))
            }
        }
    }

    fn delete_options(&self) -> DeleteOptions {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let policy = self.body["propagationPolicy"].as_str().or_else(|| self.query("propagationPolicy"));
        DeleteOptions {
            propagation: match policy {
                Some("Foreground") => Propagation::Foreground,
                Some("Orphan") => Propagation::Orphan,
                _ => Propagation::Background,
            },
            uid: text(&self.body["preconditions"]["uid"]),
            version: text(&self.body["preconditions"]["resourceVersion"]),
            grace: self.body["gracePeriodSeconds"].as_u64(),
            dry_run: self.dry_run(),
        }
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let part = if self.part == Part::Status { "/status" } else { "" };
        let dry = if self.dry_run() { " dry run" } else { "" };
        write!(f, "{:?} {}{part}{dry}", self.verb, self.key)
    }
}

fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    Some((name.to_owned(), decoded(value)))
}

/// Undoes the percent and plus encoding of a query.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = after
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, escape) {
            (b'%', Some(escaped)) => {
                bytes.push(escaped);
                rest = &after[2..];
                continue;
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(byte),
        }
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
