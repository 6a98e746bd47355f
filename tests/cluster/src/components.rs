//! The components of a cluster: their flags, their files and their identities.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::certificates::{self, Authority, write};
use crate::error::Error;
use crate::kubeconfig;
use crate::layout::Layout;
use crate::network::{API_PORT, Network};
use crate::node;
use crate::options::Options;
use crate::plan::{Component, Plan};

/// The name of the one node.
pub(crate) const NODE: &str = "node-0";

const ETCD_URL: &str = "http://127.0.0.1:2379";

/// What the components are made from.
pub(crate) struct Setting<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) options: &'a Options,
    pub(crate) network: Network,
    /// The number that names the cluster's control group.
    pub(crate) number: u8,
    /// The executable that is all of Kubernetes.
    pub(crate) kube: &'a Path,
}

impl Setting<'_> {
    pub(crate) fn text(&self, relative: &str) -> String {
        self.layout.text(relative)
    }

    /// One of the components that are Kubernetes' own, with the flags the options add.
    pub(crate) fn kubernetes(&self, name: &str, flags: Vec<String>) -> Component {
        self.component(name, vec![self.kube.display().to_string(), name.to_owned()], flags)
    }

    pub(crate) fn component(&self, name: &str, mut argv: Vec<String>, flags: Vec<String>) -> Component {
        argv.extend(flags);
        let added = self.options.arguments.iter().filter(|(component, _)| component == name);
        argv.extend(added.map(|(_, flag)| flag.clone()));
        Component { name: name.to_owned(), argv, log: self.layout.log(name) }
    }
}

/// Writes all files of a cluster below its run folder and says how to run it.
pub(crate) fn prepare(setting: &Setting<'_>) -> Result<Plan, Error> {
    let authority = Authority::create(setting.layout)?;
    certificates::service_account_keys(setting.layout)?;
    write_server_identities(setting, &authority)?;
    write_kubeconfigs(setting, &authority)?;

    let mut plan = Plan {
        visible: vec![setting.layout.root().to_path_buf(), folder_of(setting.kube)],
        network: setting.network.inside(),
        environment: vec![
            ("PATH".into(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()),
            ("HOME".into(), setting.text("")),
            ("TMPDIR".into(), setting.text("tmp")),
        ],
        ..Plan::default()
    };
    plan.components.push(etcd(setting));
    plan.components.push(api_server(setting)?);
    if !setting.options.api_only {
        plan.components.push(controller_manager(setting));
        plan.components.push(scheduler(setting));
    }
    if setting.options.has_node() {
        plan.pretended = node::pretended_settings(setting)?;
        plan.components.extend(node::components(setting)?);
    }
    Ok(plan)
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf)
}

fn write_server_identities(setting: &Setting<'_>, authority: &Authority) -> Result<(), Error> {
    let node = IpAddr::V4(setting.network.node());
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let names = [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "localhost",
    ];
    let service = IpAddr::V4(setting.network.api_service());
    authority.server("kube-apiserver", &names, &[node, local, service])?.write(setting.layout, "apiserver")?;
    authority
        .client("kube-apiserver-kubelet-client", Some("system:masters"))?
        .write(setting.layout, "kubelet-client")?;
    authority.server(NODE, &[NODE], &[node, local])?.write(setting.layout, "kubelet")
}

fn write_kubeconfigs(setting: &Setting<'_>, authority: &Authority) -> Result<(), Error> {
    let node_user = format!("system:node:{NODE}");
    let clients = [
        ("kubeconfig", "trimtab-admin", Some("system:masters")),
        ("kube-controller-manager.kubeconfig", "system:kube-controller-manager", None),
        ("kube-scheduler.kubeconfig", "system:kube-scheduler", None),
        ("kube-proxy.kubeconfig", "system:kube-proxy", None),
        ("kubelet.kubeconfig", &node_user, Some("system:nodes")),
    ];
    for (file, user, group) in clients {
        let identity = authority.client(user, group)?;
        let text = kubeconfig::with_certificate(&setting.network.api_url(), authority.certificate(), &identity);
        write(setting.layout, file, &text)?;
    }
    Ok(())
}

fn etcd(setting: &Setting<'_>) -> Component {
    let peer = "http://127.0.0.1:2380";
    let flags = vec![
        format!("--data-dir={}", setting.text("etcd")),
        format!("--listen-client-urls={ETCD_URL}"),
        format!("--advertise-client-urls={ETCD_URL}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        // A cluster that is thrown away has nothing to lose by a power cut.
        "--unsafe-no-fsync".into(),
        "--quota-backend-bytes=8589934592".into(),
        "--log-level=warn".into(),
    ];
    setting.kubernetes("etcd", flags)
}

fn api_server(setting: &Setting<'_>) -> Result<Component, Error> {
    let pki = |name: &str| setting.text(&format!("pki/{name}"));
    let mut flags = vec![
        format!("--etcd-servers={ETCD_URL}"),
        format!("--advertise-address={}", setting.network.node()),
        format!("--secure-port={API_PORT}"),
        format!("--service-cluster-ip-range={}", setting.network.services()),
        format!("--client-ca-file={}", pki("ca.crt")),
        format!("--tls-cert-file={}", pki("apiserver.crt")),
        format!("--tls-private-key-file={}", pki("apiserver.key")),
        format!("--cert-dir={}", setting.text("apiserver")),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        format!("--service-account-signing-key-file={}", pki("sa.key")),
        format!("--service-account-key-file={}", pki("sa.pub")),
        "--authorization-mode=Node,RBAC".into(),
        format!("--kubelet-client-certificate={}", pki("kubelet-client.crt")),
        format!("--kubelet-client-key={}", pki("kubelet-client.key")),
        format!("--kubelet-certificate-authority={}", pki("ca.crt")),
        "--kubelet-preferred-address-types=InternalIP".into(),
        "--allow-privileged=true".into(),
    ];
    if setting.options.api_only {
        // Nothing makes service accounts there, and their admission would refuse every pod.
        flags.push("--disable-admission-plugins=ServiceAccount".into());
    } else {
        flags.push("--enable-admission-plugins=NodeRestriction".into());
    }
    if let Some(seconds) = setting.options.node_grace_seconds {
        flags.push(format!("--default-not-ready-toleration-seconds={seconds}"));
        flags.push(format!("--default-unreachable-toleration-seconds={seconds}"));
    }
    if setting.options.audit {
        let policy = json!({
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [{"level": "Metadata"}],
        });
        write(setting.layout, "audit-policy.yaml", &policy.to_string())?;
        flags.push(format!("--audit-policy-file={}", setting.text("audit-policy.yaml")));
        flags.push(format!("--audit-log-path={}", setting.text("audit.log")));
        flags.push("--audit-log-maxsize=4096".into());
    }
    Ok(setting.kubernetes("kube-apiserver", flags))
}

fn controller_manager(setting: &Setting<'_>) -> Component {
    let kubeconfig = setting.text("kube-controller-manager.kubeconfig");
    let mut flags = vec![
        format!("--kubeconfig={kubeconfig}"),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        format!("--service-account-private-key-file={}", setting.text("pki/sa.key")),
        format!("--root-ca-file={}", setting.text("pki/ca.crt")),
        format!("--cluster-signing-cert-file={}", setting.text("pki/ca.crt")),
        format!("--cluster-signing-key-file={}", setting.text("pki/ca.key")),
        format!("--cert-dir={}", setting.text("kube-controller-manager")),
        format!("--flex-volume-plugin-dir={}", setting.text("volume-plugins")),
        "--use-service-account-credentials=true".into(),
        // There is only one, and an election would delay its start after a crash.
        "--leader-elect=false".into(),
        "--bind-address=127.0.0.1".into(),
    ];
    if let Some(seconds) = setting.options.node_grace_seconds {
        flags.push(format!("--node-monitor-grace-period={seconds}s"));
        flags.push("--node-monitor-period=1s".into());
    }
    flags.extend(client_rate(setting));
    setting.kubernetes("kube-controller-manager", flags)
}

fn scheduler(setting: &Setting<'_>) -> Component {
    let kubeconfig = setting.text("kube-scheduler.kubeconfig");
    let mut flags = vec![
        format!("--kubeconfig={kubeconfig}"),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        format!("--cert-dir={}", setting.text("kube-scheduler")),
        "--leader-elect=false".into(),
        "--bind-address=127.0.0.1".into(),
    ];
    flags.extend(client_rate(setting));
    setting.kubernetes("kube-scheduler", flags)
}

fn client_rate(setting: &Setting<'_>) -> Vec<String> {
    let rate = setting.options.client_qps;
    rate.map(|qps| vec![format!("--kube-api-qps={qps}"), format!("--kube-api-burst={}", qps.saturating_mul(2))])
        .unwrap_or_default()
}
