//! Values that are refused, each with words that name it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use trimtab_chart_tests::{Release, helms};

/// A value, what somebody might write, and what Helm must say.
const BAD: &[(&str, &str, &str)] = &[
    ("replica", "2", "replica"),
    ("replicas", "0", "/replicas"),
    ("replicas", "\"2\"", "/replicas"),
    ("replicas", "2.5", "/replicas"),
    ("namespaces", "\"a\"", "/namespaces"),
    ("namespaces", "[\"Upper\"]", "/namespaces/0"),
    ("namespaces", "[\"a\",\"a\"]", "/namespaces"),
    ("namespaces", "[\"*\"]", "/namespaces/0"),
    ("image", "\"trimtab:1\"", "/image"),
    ("image.name", "\"x\"", "name"),
    ("image.repository", "\"\"", "/image/repository"),
    ("image.repository", "\"Upper/case\"", "/image/repository"),
    ("image.tag", "1", "/image/tag"),
    ("image.tag", "\"a b\"", "/image/tag"),
    ("image.digest", "\"sha256:abc\"", "/image/digest"),
    ("image.digest", "\"md5:0123\"", "/image/digest"),
    ("image.pullPolicy", "\"Sometimes\"", "/image/pullPolicy"),
    ("imagePullSecrets", "[\"secret\"]", "/imagePullSecrets/0"),
    ("crds.install", "true", "install"),
    ("crds.keep", "\"yes\"", "/crds/keep"),
    ("operator.follows", "-1", "/operator/follows"),
    ("operator.studyMetrics", "100000", "/operator/studyMetrics"),
    ("operator.logFormat", "\"xml\"", "/operator/logFormat"),
    ("operator.extraArgs", "[\"no-dashes\"]", "/operator/extraArgs/0"),
    ("operator.extraEnv", "[{\"value\":\"x\"}]", "/operator/extraEnv/0"),
    ("operator.extraEnv", "[{\"name\":\"1A\",\"value\":\"x\"}]", "/operator/extraEnv/0/name"),
    ("serviceAccount.name", "\"Not_A_Name\"", "/serviceAccount/name"),
    ("rbac.clusterWide", "true", "clusterWide"),
    ("resources.limits.memory", "\"much\"", "/resources/limits/memory"),
    ("resources.requests.cpu", "-1", "/resources/requests/cpu"),
    ("tolerations", "[{\"effect\":\"Never\"}]", "/tolerations/0/effect"),
    ("affinity.nodes", "{}", "nodes"),
    ("topologySpread.whenUnsatisfiable", "\"Panic\"", "/topologySpread/whenUnsatisfiable"),
    ("terminationGracePeriodSeconds", "0", "/terminationGracePeriodSeconds"),
    ("commonLabels", "{\"a\":\"not a value\"}", "/commonLabels/a"),
    ("podLabels", "{\"a\":1}", "/podLabels/a"),
    ("podAnnotations", "{\"a\":true}", "/podAnnotations/a"),
    ("extraVolumes", "[{\"emptyDir\":{}}]", "/extraVolumes/0"),
    ("extraVolumeMounts", "[{\"name\":\"a\",\"mountPath\":\"relative\"}]", "/extraVolumeMounts/0/mountPath"),
    ("podDisruptionBudget.maxUnavailable", "\"half\"", "/podDisruptionBudget/maxUnavailable"),
    ("networkPolicy.apiServer.ports", "[]", "/networkPolicy/apiServer/ports"),
    ("networkPolicy.apiServer.ports", "[70000]", "/networkPolicy/apiServer/ports/0"),
    ("networkPolicy.apiServer.cidrs", "[\"10.0.0.1\"]", "/networkPolicy/apiServer/cidrs/0"),
    ("networkPolicy.metricsFrom", "[{}]", "/networkPolicy/metricsFrom/0"),
    ("metrics.serviceMonitor.interval", "\"soon\"", "/metrics/serviceMonitor/interval"),
    ("metrics.serviceMonitor.scrape", "true", "scrape"),
    ("prometheusRule.runbookUrl", "\"runbooks\"", "/prometheusRule/runbookUrl"),
    ("prometheusRule.disabled", "[\"Watchdog\"]", "/prometheusRule/disabled/0"),
    ("dashboards.labelValue", "1", "/dashboards/labelValue"),
    ("admissionPolicy.actions", "[]", "/admissionPolicy/actions"),
    ("admissionPolicy.actions", "[\"Ignore\"]", "/admissionPolicy/actions/0"),
    ("admissionPolicy.serviceAccounts", "[]", "/admissionPolicy/serviceAccounts"),
    ("tests.timeoutSeconds", "0", "/tests/timeoutSeconds"),
    ("fullnameOverride", "\"9lives\"", "/fullnameOverride"),
];

#[test]
fn bad_values_are_refused_by_name() {
    assert!(BAD.len() >= 40);
    for helm in helms().unwrap() {
        for (path, value, expected) in BAD {
            let error = match Release::default().set(path, value).text(&helm) {
                Ok(_) => panic!("{} takes {path}={value}", helm.display()),
                Err(error) => error.to_string(),
            };
            let told = error.contains(&format!("'{expected}")) || error.contains(&format!("{expected}'"));
            assert!(told, "{path}={value} is refused without {expected}: {error}");
        }
    }
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    let monitors =
        Release::default().set("metrics.serviceMonitor.enabled", "true").set("metrics.podMonitor.enabled", "true");
    let no_service = Release::default().set("metrics.serviceMonitor.enabled", "true").set("metrics.service", "false");
    let no_alert =
        Release::default().set("prometheusRule.enabled", "true").set("prometheusRule.disabled", "[\"TrimtabNothing\"]");
    for (release, words) in
        [(monitors, "must not both be true"), (no_service, "must be true for"), (no_alert, "which is no alert")]
    {
        let error = release.objects().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
