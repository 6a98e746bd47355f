//! What each value does: one test for each, under every Helm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trimtab_chart_tests::{Objects, Release, documents, file, word};

fn with(settings: &[(&str, &str)]) -> Objects {
    // The definitions are large, and only one test looks at them.
    let asked = settings.iter().any(|(path, _)| path.starts_with("crds."));
    let release = if asked { Release::default() } else { Release::default().set("crds.enabled", "false") };
    settings.iter().fold(release, |release, (path, json)| release.set(path, json)).objects().unwrap()
}

fn kinds(objects: &Objects) -> BTreeSet<String> {
    objects.0.iter().map(|object| word(object, "/kind").to_owned()).collect()
}

fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer} of {value:#}"))
}

/// Values, and what they put where in the Deployment.
#[test]
fn values_of_the_pod_come_out_where_they_belong() {
    let digest = format!("\"sha256:{}\"", "a".repeat(64));
    let pinned = format!("trimtab-operator@sha256:{}", "a".repeat(64));
    let cases: &[(&str, &str, &str, Value)] = &[
        ("replicas", "3", "/spec/replicas", json!(3)),
        (
            "image.repository",
            "\"example.org/t\"",
            "/spec/template/spec/containers/0/image",
            json!("example.org/t:0.1.0"),
        ),
        ("image.tag", "\"9\"", "/spec/template/spec/containers/0/image", json!("trimtab-operator:9")),
        ("image.digest", &digest, "/spec/template/spec/containers/0/image", json!(pinned)),
        ("image.pullPolicy", "\"Always\"", "/spec/template/spec/containers/0/imagePullPolicy", json!("Always")),
        ("imagePullSecrets", "[{\"name\":\"s\"}]", "/spec/template/spec/imagePullSecrets", json!([{"name": "s"}])),
        ("hostUsers", "false", "/spec/template/spec/hostUsers", json!(false)),
        ("priorityClassName", "\"high\"", "/spec/template/spec/priorityClassName", json!("high")),
        ("nodeSelector", "{\"a\":\"b\"}", "/spec/template/spec/nodeSelector", json!({"a": "b"})),
        (
            "tolerations",
            "[{\"operator\":\"Exists\"}]",
            "/spec/template/spec/tolerations",
            json!([{"operator": "Exists"}]),
        ),
        ("affinity", "{\"nodeAffinity\":{}}", "/spec/template/spec/affinity", json!({"nodeAffinity": {}})),
        ("terminationGracePeriodSeconds", "9", "/spec/template/spec/terminationGracePeriodSeconds", json!(9)),
        (
            "resources.limits.memory",
            "\"1Gi\"",
            "/spec/template/spec/containers/0/resources/limits/memory",
            json!("1Gi"),
        ),
        ("podSecurityContext.runAsUser", "7", "/spec/template/spec/securityContext/runAsUser", json!(7)),
        ("securityContext.runAsUser", "7", "/spec/template/spec/containers/0/securityContext/runAsUser", json!(7)),
        ("deploymentAnnotations", "{\"a\":\"b\"}", "/metadata/annotations", json!({"a": "b"})),
        ("podAnnotations", "{\"a\":\"b\"}", "/spec/template/metadata/annotations/a", json!("b")),
        ("podLabels", "{\"a\":\"b\"}", "/spec/template/metadata/labels/a", json!("b")),
        ("commonLabels", "{\"a\":\"b\"}", "/metadata/labels/a", json!("b")),
        (
            "extraVolumes",
            "[{\"name\":\"v\",\"emptyDir\":{}}]",
            "/spec/template/spec/volumes",
            json!([{"name": "v", "emptyDir": {}}]),
        ),
        (
            "extraVolumeMounts",
            "[{\"name\":\"v\",\"mountPath\":\"/v\"}]",
            "/spec/template/spec/containers/0/volumeMounts",
            json!([{"name": "v", "mountPath": "/v"}]),
        ),
        (
            "topologySpread.topologyKey",
            "\"zone\"",
            "/spec/template/spec/topologySpreadConstraints/0/topologyKey",
            json!("zone"),
        ),
        (
            "topologySpread.whenUnsatisfiable",
            "\"DoNotSchedule\"",
            "/spec/template/spec/topologySpreadConstraints/0/whenUnsatisfiable",
            json!("DoNotSchedule"),
        ),
        ("serviceAccount.name", "\"who\"", "/spec/template/spec/serviceAccountName", json!("who")),
    ];
    let plain = with(&[]);
    for (path, value, pointer, expected) in cases {
        let name = "trimtab-operator";
        assert_ne!(plain.one("Deployment", name).unwrap().pointer(pointer), Some(expected), "{path} changes nothing");
        assert_eq!(at(with(&[(path, value)]).one("Deployment", name).unwrap(), pointer), expected, "{path}");
    }
    assert!(
        with(&[("topologySpread.enabled", "false")])
            .pod()
            .unwrap()
            .pointer("/spec/topologySpreadConstraints")
            .is_none()
    );
}

#[test]
fn values_of_the_operator_become_arguments_and_variables() {
    let arguments = |objects: &Objects| objects.container().unwrap()["args"].as_array().unwrap().clone();
    for (path, value, argument) in [
        ("operator.follows", "7", "--follows=7"),
        ("operator.follows", "10000", "--follows=10000"),
        ("operator.startDeadlineSeconds", "7", "--start-deadline-seconds=7"),
        ("operator.lostAfterSeconds", "7", "--lost-after-seconds=7"),
        ("operator.retryDelaySeconds", "7", "--retry-delay-seconds=7"),
        ("operator.studyMetrics", "7", "--study-metrics=7"),
        ("operator.logFormat", "\"text\"", "--log-text"),
        ("operator.extraArgs", "[\"--x\"]", "--x"),
    ] {
        assert!(!arguments(&with(&[])).contains(&json!(argument)));
        assert!(arguments(&with(&[(path, value)])).contains(&json!(argument)), "{path}");
    }
    let variable = |objects: &Objects, name: &str| {
        let all = objects.container().unwrap()["env"].as_array().unwrap().clone();
        all.into_iter().find(|held| held["name"] == name)
    };
    let value = |objects: &Objects, name: &str| variable(objects, name).map(|held| held["value"].clone());
    assert_eq!(value(&with(&[("operator.logLevel", "\"debug\"")]), "RUST_LOG"), Some(json!("debug")));
    assert_eq!(value(&with(&[("operator.extraEnv", "[{\"name\":\"A\",\"value\":\"b\"}]")]), "A"), Some(json!("b")));
    assert_eq!(value(&with(&[("image.tag", "\"9\"")]), "TRIMTAB_IMAGE"), Some(json!("trimtab-operator:9")));
    assert_eq!(variable(&with(&[("operator.cleanUp", "false")]), "TRIMTAB_IMAGE"), None);
    assert_eq!(variable(&with(&[]), "TRIMTAB_NAMESPACE"), None);
    assert_eq!(value(&with(&[("namespaces", "[\"a\",\"b\"]")]), "TRIMTAB_NAMESPACE"), Some(json!("a,b")));
}

/// A value, its setting, and the kinds that it brings or takes away.
#[test]
fn toggles_bring_and_take_objects() {
    let bring: &[(&str, &str, &[&str])] = &[
        ("metrics.serviceMonitor.enabled", "true", &["ServiceMonitor"]),
        ("metrics.podMonitor.enabled", "true", &["PodMonitor"]),
        ("prometheusRule.enabled", "true", &["PrometheusRule"]),
        ("dashboards.enabled", "true", &["ConfigMap"]),
        ("admissionPolicy.enabled", "true", &["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]),
    ];
    let take: &[(&str, &str, &[&str])] = &[
        ("podDisruptionBudget.enabled", "false", &["PodDisruptionBudget"]),
        ("replicas", "1", &["PodDisruptionBudget"]),
        ("networkPolicy.enabled", "false", &["NetworkPolicy"]),
        ("metrics.service", "false", &["Service"]),
        ("tests.enabled", "false", &["Pod"]),
    ];
    let plain = kinds(&with(&[]));
    for (path, value, expected) in bring {
        let new: Vec<String> = kinds(&with(&[(path, value)])).difference(&plain).cloned().collect();
        assert_eq!(new, *expected, "{path}");
    }
    for (path, value, expected) in take {
        let gone: Vec<String> = plain.difference(&kinds(&with(&[(path, value)]))).cloned().collect();
        assert_eq!(gone, *expected, "{path}");
    }
    assert!(with(&[("serviceAccount.create", "false")]).one("ServiceAccount", "trimtab-operator").is_err());
    let own = with(&[("serviceAccount.create", "false"), ("serviceAccount.name", "\"mine\"")]);
    assert_eq!(word(own.one("ClusterRoleBinding", "trimtab-operator").unwrap(), "/subjects/0/name"), "mine");
    assert!(with(&[("rbac.create", "false")]).of("ClusterRoleBinding").is_empty());
    let annotated = with(&[("serviceAccount.annotations", "{\"a\":\"b\"}")]);
    assert_eq!(word(annotated.one("ServiceAccount", "trimtab-operator").unwrap(), "/metadata/annotations/a"), "b");
}

#[test]
fn definitions_are_those_of_the_repository_and_stay_when_the_release_goes() {
    let keep = "/metadata/annotations/helm.sh~1resource-policy";
    assert!(with(&[("crds.enabled", "false")]).of("CustomResourceDefinition").is_empty());
    for (kept, expected) in [("true", "keep"), ("false", "")] {
        let objects = with(&[("crds.keep", kept)]);
        assert_eq!(objects.of("CustomResourceDefinition").len(), 2);
        for (plural, held) in ["studies", "trials"].iter().zip(objects.of("CustomResourceDefinition")) {
            let committed = documents(&file(&format!("crds/trimtab.dev_{plural}.yaml")).unwrap()).unwrap();
            assert_eq!(held["spec"], committed[0]["spec"]);
            assert_eq!(word(held, keep), expected);
        }
    }
}

#[test]
fn permissions_are_those_that_the_cluster_tests_run_under() {
    let plain = documents(&file("deploy/rbac.yaml").unwrap()).unwrap();
    let objects = with(&[]);
    for held in plain.iter().filter(|object| word(object, "/kind") != "Namespace") {
        let ours = objects.one(word(held, "/kind"), word(held, "/metadata/name")).unwrap();
        for part in ["/rules", "/roleRef", "/subjects", "/metadata/namespace"] {
            assert_eq!(ours.pointer(part), held.pointer(part), "{} {part}", word(held, "/kind"));
        }
    }
    for rule in
        objects.of("ClusterRole").into_iter().chain(objects.of("Role")).flat_map(|r| r["rules"].as_array().unwrap())
    {
        let words = |key: &str| rule[key].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect::<Vec<_>>();
        assert!(
            !words("resources").contains(&"secrets")
                && !words("verbs").contains(&"*")
                && !words("resources").contains(&"*")
        );
    }
}

#[test]
fn with_namespaces_there_are_roles_and_nothing_for_the_cluster() {
    let objects = with(&[("namespaces", "[\"a\",\"b\"]"), ("crds.enabled", "false")]);
    for kind in ["ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"] {
        assert!(objects.of(kind).is_empty(), "{kind}");
    }
    let wide = with(&[]);
    for namespace in ["a", "b"] {
        let roles = objects.of("Role");
        let role = roles.iter().find(|role| word(role, "/metadata/namespace") == namespace).unwrap();
        assert_eq!(role["rules"], wide.one("ClusterRole", "trimtab-operator").unwrap()["rules"]);
        let bindings = objects.of("RoleBinding");
        let binding = bindings.iter().find(|held| word(held, "/metadata/namespace") == namespace).unwrap();
        assert_eq!(word(binding, "/subjects/0/namespace"), "trimtab-system");
    }
    // The test's Study must be where somebody looks.
    assert_eq!(word(objects.one("Pod", "trimtab-test").unwrap(), "/metadata/namespace"), "a");
}

#[test]
fn who_may_view_may_not_create() {
    let objects = with(&[]);
    let view = objects.one("ClusterRole", "trimtab-view").unwrap();
    assert_eq!(
        view["rules"],
        json!([{"apiGroups": ["trimtab.dev"], "resources": ["studies", "trials"], "verbs": ["get", "list", "watch"]}])
    );
    let labels = |name: &str| objects.one("ClusterRole", name).unwrap()["metadata"]["labels"].clone();
    assert_eq!(labels("trimtab-view")["rbac.authorization.k8s.io/aggregate-to-view"], "true");
    assert_eq!(labels("trimtab-edit")["rbac.authorization.k8s.io/aggregate-to-edit"], "true");
    assert!(labels("trimtab-edit").get("rbac.authorization.k8s.io/aggregate-to-view").is_none());
    let edit = objects.one("ClusterRole", "trimtab-edit").unwrap()["rules"].to_string();
    assert!(!edit.contains("status"), "nobody but the operator writes a status");
    assert!(with(&[("rbac.userRoles", "false")]).one("ClusterRole", "trimtab-view").is_err());
}

#[test]
fn pods_are_allowed_where_pod_security_is_restricted() {
    let objects = with(&[]);
    let test = objects.one("Pod", "trimtab-test").unwrap();
    for (pod, container) in [
        (at(objects.pod().unwrap(), "/spec"), objects.container().unwrap()),
        (at(test, "/spec"), at(test, "/spec/containers/0")),
    ] {
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert_eq!(container["securityContext"]["capabilities"], json!({"drop": ["ALL"]}));
        assert_eq!(pod["enableServiceLinks"], false);
        assert!(pod.get("hostNetwork").is_none() && container["resources"]["limits"]["memory"].is_string());
    }
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        assert!(objects.container().unwrap()[probe]["httpGet"]["path"].is_string(), "{probe}");
    }
}

#[test]
fn network_policy_opens_what_is_used() {
    let spec = |settings: &[(&str, &str)]| with(settings).of("NetworkPolicy")[0]["spec"].clone();
    let plain = spec(&[]);
    assert_eq!(plain["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(plain["ingress"].as_array().unwrap().len(), 1);
    assert_eq!(plain["ingress"][0]["ports"], json!([{"port": "http", "protocol": "TCP"}]));
    assert_eq!(
        plain["egress"],
        json!([{"ports": [{"port": 443, "protocol": "TCP"}, {"port": 6443, "protocol": "TCP"}]}])
    );
    assert_eq!(spec(&[("networkPolicy.metricsFrom", "[]")])["ingress"], json!([]));
    let narrow = spec(&[("networkPolicy.apiServer", "{\"ports\":[8443],\"cidrs\":[\"10.0.0.1/32\"]}")]);
    assert_eq!(
        narrow["egress"],
        json!([{"ports": [{"port": 8443, "protocol": "TCP"}], "to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}]}])
    );
    let more = spec(&[("networkPolicy.extraEgress", "[{\"ports\":[{\"port\":53}]}]")]);
    assert_eq!(more["egress"].as_array().unwrap().len(), 2);
    let selector = &plain["podSelector"]["matchLabels"];
    let objects = with(&[]);
    let labels = &objects.pod().unwrap()["metadata"]["labels"];
    for (key, value) in selector.as_object().unwrap() {
        assert_eq!(&labels[key], value, "{key}");
    }
    assert_eq!(objects.of("PodDisruptionBudget")[0]["spec"]["selector"]["matchLabels"], *selector);
    assert_eq!(objects.of("Service")[0]["spec"]["selector"], *selector);
    assert_ne!(
        objects.one("Pod", "trimtab-test").unwrap()["metadata"]["labels"]["app.kubernetes.io/component"],
        "operator"
    );
}

#[test]
fn monitoring_comes_out_as_set() {
    for (kind, value, endpoints) in
        [("ServiceMonitor", "serviceMonitor", "endpoints"), ("PodMonitor", "podMonitor", "podMetricsEndpoints")]
    {
        let path = |key: &str| format!("metrics.{value}.{key}");
        let objects = with(&[
            (&path("enabled"), "true"),
            (&path("labels"), "{\"release\":\"p\"}"),
            (&path("interval"), "\"5s\""),
            (&path("relabelings"), "[{\"action\":\"labeldrop\",\"regex\":\"x\"}]"),
            (&path("metricRelabelings"), "[{\"action\":\"labeldrop\",\"regex\":\"y\"}]"),
        ]);
        let held = objects.of(kind)[0];
        let endpoint = &held["spec"][endpoints][0];
        assert_eq!(held["metadata"]["labels"]["release"], "p");
        assert_eq!(
            (&endpoint["interval"], &endpoint["honorLabels"], &endpoint["path"]),
            (&json!("5s"), &json!(true), &json!("/metrics"))
        );
        assert_eq!(endpoint["relabelings"][0]["regex"], "x");
        assert_eq!(endpoint["metricRelabelings"][0]["regex"], "y");
    }
    let rule = with(&[
        ("prometheusRule.enabled", "true"),
        ("prometheusRule.labels", "{\"release\":\"p\"}"),
        ("prometheusRule.alertLabels", "{\"team\":\"ml\",\"severity\":\"x\"}"),
        ("prometheusRule.disabled", "[\"TrimtabNoLeader\"]"),
        ("prometheusRule.runbookUrl", "\"https://example.org/books/\""),
    ]);
    let rule = rule.of("PrometheusRule")[0];
    let alerts: Vec<&Value> =
        rule["spec"]["groups"].as_array().unwrap().iter().flat_map(|g| g["rules"].as_array().unwrap()).collect();
    assert_eq!(rule["metadata"]["labels"]["release"], "p");
    let committed = documents(&file("charts/trimtab/files/alerts.yaml").unwrap()).unwrap();
    let all: usize =
        committed[0]["groups"].as_array().unwrap().iter().map(|g| g["rules"].as_array().unwrap().len()).sum();
    assert_eq!(alerts.len(), all - 1);
    for alert in alerts {
        let name = word(alert, "/alert");
        assert_ne!(name, "TrimtabNoLeader");
        assert_eq!(word(alert, "/annotations/runbook_url"), format!("https://example.org/books/{name}.md"));
        assert_eq!(alert["labels"]["team"], "ml");
        assert_ne!(alert["labels"]["severity"], "x", "an alert's severity is its own");
    }
}

#[test]
fn dashboards_are_found_by_their_label_and_are_the_committed_ones() {
    let objects = with(&[
        ("dashboards.enabled", "true"),
        ("dashboards.label", "\"who\""),
        ("dashboards.labelValue", "\"me\""),
        ("dashboards.annotations", "{\"folder\":\"f\"}"),
    ]);
    assert_eq!(objects.of("ConfigMap").len(), 3);
    for name in ["fleet", "operator", "study"] {
        let held = objects.one("ConfigMap", &format!("trimtab-dashboard-{name}")).unwrap();
        assert_eq!(
            (&held["metadata"]["labels"]["who"], &held["metadata"]["annotations"]["folder"]),
            (&json!("me"), &json!("f"))
        );
        let committed = file(&format!("charts/trimtab/files/dashboards/{name}.json")).unwrap();
        assert_eq!(word(held, &format!("/data/trimtab-{name}.json")), committed);
    }
}

#[test]
fn admission_policy_names_what_is_allowed() {
    let objects = with(&[
        ("admissionPolicy.enabled", "true"),
        ("admissionPolicy.serviceAccounts", "[\"default\",\"train\"]"),
        ("admissionPolicy.actions", "[\"Warn\",\"Audit\"]"),
        ("admissionPolicy.namespaceSelector", "{\"matchLabels\":{\"team\":\"ml\"}}"),
    ]);
    let policy = objects.one("ValidatingAdmissionPolicy", "trimtab-studies").unwrap();
    assert!(word(policy, "/spec/validations/0/expression").contains("['default','train']"));
    let binding = objects.one("ValidatingAdmissionPolicyBinding", "trimtab-studies").unwrap();
    assert_eq!(binding["spec"]["validationActions"], json!(["Warn", "Audit"]));
    assert_eq!(binding["spec"]["matchResources"]["namespaceSelector"]["matchLabels"]["team"], "ml");
}

#[test]
fn test_is_a_hook_with_permissions_of_its_own() {
    let objects = with(&[
        ("tests.namespace", "\"here\""),
        ("tests.timeoutSeconds", "7"),
        ("imagePullSecrets", "[{\"name\":\"s\"}]"),
    ]);
    for kind in ["Pod", "Role", "RoleBinding", "ServiceAccount"] {
        let held = objects.one(kind, "trimtab-test").unwrap();
        assert_eq!(word(held, "/metadata/annotations/helm.sh~1hook"), "test", "{kind}");
        assert_eq!(word(held, "/metadata/namespace"), "here", "{kind}");
    }
    let arguments = objects.one("Pod", "trimtab-test").unwrap()["spec"]["containers"][0]["args"].to_string();
    for argument in
        ["check", "--namespace=here", "--timeout-seconds=7", "--image=trimtab-operator:0.1.0", "--pull-secret=s"]
    {
        assert!(arguments.contains(&format!("\"{argument}\"")), "{argument}");
    }
}

#[test]
fn names_follow_the_release() {
    let first = |release: &str, settings: &[(&str, &str)]| {
        let release = settings
            .iter()
            .fold(Release::default().named(release).set("crds.enabled", "false"), |held, (path, json)| {
                held.set(path, json)
            });
        word(release.objects().unwrap().of("Deployment")[0], "/metadata/name").to_owned()
    };
    assert_eq!(first("my-trimtab", &[]), "my-trimtab-operator");
    assert_eq!(first("other", &[]), "other-trimtab-operator");
    assert_eq!(first("other", &[("nameOverride", "\"tuning\"")]), "other-tuning-operator");
    assert_eq!(first("other", &[("fullnameOverride", "\"tuning\"")]), "tuning-operator");
}

#[test]
fn older_kubernetes_is_refused_and_supported_ones_are_not() {
    let bare = Release::default().set("crds.enabled", "false");
    for minor in 34..=37 {
        bare.clone().on(&format!("1.{minor}.0")).objects().unwrap();
    }
    assert!(bare.clone().on("1.33.9").objects().unwrap_err().to_string().contains("kubeVersion"));
    // Clusters of vendors put something behind the number.
    bare.on("1.35.2-gke.100").objects().unwrap();
}
