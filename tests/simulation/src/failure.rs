//! What the API server answers when it refuses: a `Status`, as kube decodes it.

use serde_json::{Value, json};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status.
    pub code: u16,
    /// The machine-readable reason.
    pub reason: &'static str,
    /// The message.
    pub message: String,
    /// Seconds after which the server wants to be asked again.
    pub retry_after: Option<u32>,
}

impl Failure {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), retry_after: None }
    }

    /// 404.
    #[must_use]
    pub fn not_found(plural: &str, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{plural} \"{name}\" not found"))
    }

    /// 409 for a name that is taken.
    #[must_use]
    pub fn already_exists(plural: &str, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{plural} \"{name}\" already exists"))
    }

    /// 409 for a precondition that does not hold.
    #[must_use]
    pub fn conflict(plural: &str, name: &str, why: &str) -> Self {
        Self::new(409, "Conflict", format!("Operation cannot be fulfilled on {plural} \"{name}\": {why}"))
    }

    /// 409 for a stale resourceVersion.
    #[must_use]
    pub fn stale(plural: &str, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(plural, name, why)
    }

    /// 422.
    #[must_use]
    pub fn invalid(kind: &str, name: &str, why: &str) -> Self {
        Self::new(422, "Invalid", format!("{kind} \"{name}\" is invalid: {why}"))
    }

    /// 400.
    #[must_use]
    pub fn bad_request(why: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", why)
    }

    /// 403, a quota for instance.
    #[must_use]
    pub fn forbidden(why: impl Into<String>) -> Self {
        Self::new(403, "Forbidden", why)
    }

    /// 405.
    #[must_use]
    pub fn not_allowed(what: &str) -> Self {
        Self::new(405, "MethodNotAllowed", format!("the simulated server does not serve {what}"))
    }

    /// 429.
    #[must_use]
    pub fn too_many(seconds: u32) -> Self {
        let message = "the server has received too many requests and has asked us to try again later";
        Self { retry_after: Some(seconds), ..Self::new(429, "TooManyRequests", message) }
    }

    /// 500.
    #[must_use]
    pub fn internal(why: impl Into<String>) -> Self {
        Self::new(500, "InternalError", why)
    }

    /// 503.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(503, "ServiceUnavailable", "the server is currently unable to handle the request")
    }

    /// 504, as etcd's timeouts come through.
    #[must_use]
    pub fn timeout() -> Self {
        Self::new(504, "Timeout", "request did not complete within requested timeout - context deadline exceeded")
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if let Some(seconds) = self.retry_after {
            body["details"] = json!({"retryAfterSeconds": seconds});
        }
        body
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.code, self.reason, self.message)
    }
}
