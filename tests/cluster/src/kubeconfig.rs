//! Kubeconfig files. They carry all they need, so that one can be copied anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::certificates::Identity;
use crate::error::Error;

/// A kubeconfig for a client with a certificate.
pub(crate) fn with_certificate(server: &str, authority: &str, identity: &Identity) -> String {
    let cluster = json!({"server": server, "certificate-authority-data": STANDARD.encode(authority)});
    let user = json!({
        "client-certificate-data": STANDARD.encode(&identity.certificate),
        "client-key-data": STANDARD.encode(&identity.key),
    });
    document(&cluster, &user, None)
}

/// The same cluster as a kubeconfig's current one, for a client with a token.
pub(crate) fn with_token(minified: &str, token: &str, namespace: &str) -> Result<String, Error> {
    let parsed: Value = serde_json::from_str(minified)
        .map_err(|error| Error::Option(format!("the kubeconfig cannot be read: {error}")))?;
    Ok(document(&parsed["clusters"][0]["cluster"], &json!({"token": token}), Some(namespace)))
}

fn document(cluster: &Value, user: &Value, namespace: Option<&str>) -> String {
    let mut context = json!({"cluster": "trimtab", "user": "trimtab"});
    if let Some(namespace) = namespace {
        context["namespace"] = json!(namespace);
    }
    // Every reader of YAML reads JSON.
    let document = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "trimtab", "cluster": cluster}],
        "users": [{"name": "trimtab", "user": user}],
        "contexts": [{"name": "trimtab", "context": context}],
        "current-context": "trimtab",
    });
    format!("{document:#}\n")
}
