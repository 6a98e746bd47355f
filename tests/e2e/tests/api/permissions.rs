//! The operator's ServiceAccount has what it needs and no more.

use std::sync::Arc;

use anyhow::{Result, ensure};
use trimtab_e2e::environment::Environment;

const ACCOUNT: &str = "--as=system:serviceaccount:trimtab-system:trimtab-operator";

fn may(environment: &Environment, question: &[&str]) -> bool {
    let arguments = [&["auth", "can-i"], question, &[ACCOUNT]].concat();
    // kubectl exits with 1 for no.
    environment.cluster().kubectl(&arguments).is_ok_and(|answer| answer.trim() == "yes")
}

pub(crate) async fn operator_may_do_what_it_must_and_nothing_else(environment: Arc<Environment>) -> Result<()> {
    for question in [
        &["list", "studies.trimtab.dev", "--all-namespaces"][..],
        &["update", "studies.trimtab.dev", "--subresource=status", "--all-namespaces"],
        &["create", "trials.trimtab.dev", "--all-namespaces"],
        &["create", "jobs.batch", "--all-namespaces"],
        &["delete", "jobs.batch", "--all-namespaces"],
        &["get", "pods", "--subresource=log", "--all-namespaces"],
        &["patch", "leases.coordination.k8s.io", "--namespace=trimtab-system"],
    ] {
        ensure!(may(&environment, question), "it must be allowed to {question:?}");
    }
    let verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
    let never = [
        "secrets",
        "configmaps",
        "nodes",
        "persistentvolumes",
        "persistentvolumeclaims",
        "serviceaccounts",
        "clusterroles.rbac.authorization.k8s.io",
        "roles.rbac.authorization.k8s.io",
    ];
    for resource in never {
        for verb in verbs {
            ensure!(
                !may(&environment, &[verb, resource, "--all-namespaces"]),
                "it must not be allowed to {verb} {resource}"
            );
        }
    }
    for question in [
        &["create", "pods", "--subresource=exec", "--all-namespaces"][..],
        &["delete", "pods", "--all-namespaces"],
        &["update", "studies.trimtab.dev", "--all-namespaces"],
        &["delete", "studies.trimtab.dev", "--all-namespaces"],
        &["delete", "trials.trimtab.dev", "--all-namespaces"],
        &["update", "jobs.batch", "--all-namespaces"],
        &["patch", "jobs.batch", "--all-namespaces"],
        &["patch", "leases.coordination.k8s.io", "--namespace=default"],
        &["create", "serviceaccounts", "--subresource=token", "--all-namespaces"],
        &["impersonate", "users"],
        &["escalate", "clusterroles.rbac.authorization.k8s.io"],
    ] {
        ensure!(!may(&environment, question), "it must not be allowed to {question:?}");
    }
    Ok(())
}
