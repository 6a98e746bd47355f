//! The node: containerd, the kubelet, the proxy that makes Services real, and what it claims to have.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::certificates::write;
use crate::cgroups;
use crate::components::{NODE, Setting};
use crate::error::Error;
use crate::network::BRIDGE;
use crate::pause;
use crate::plan::Component;

/// The folders in which systems keep the network plugins.
pub(crate) const PLUGIN_FOLDERS: [&str; 3] = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"];

/// The folder of this machine's network plugins.
pub(crate) fn plugins() -> Option<&'static Path> {
    PLUGIN_FOLDERS.iter().map(Path::new).find(|folder| folder.join("bridge").exists())
}

/// What a kubelet sets when it finds something else, with the values that it wants.
const KERNEL_SETTINGS: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Files that hold what the kubelet wants to see in the kernel's settings. They are mounted over the
/// real ones within the cluster's namespace, so that the machine's own settings stay as they are.
pub(crate) fn pretended_settings(setting: &Setting<'_>) -> Result<Vec<(PathBuf, PathBuf)>, Error> {
    let mut pretended = Vec::new();
    for (name, value) in KERNEL_SETTINGS {
        let file = format!("kernel/{}", name.replace('/', "."));
        write(setting.layout, &file, &format!("{value}\n"))?;
        pretended.push((setting.layout.join(&file), Path::new("/proc/sys").join(name)));
    }
    Ok(pretended)
}

/// Writes the node's files and says how to run it.
pub(crate) fn components(setting: &Setting<'_>) -> Result<Vec<Component>, Error> {
    let mut components = vec![containerd(setting)?, proxy(setting)?, kubelet(setting)?];
    if setting.options.gpus > 0 {
        components.push(gpus(setting)?);
    }
    Ok(components)
}

fn containerd(setting: &Setting<'_>) -> Result<Component, Error> {
    let plugins = plugins().ok_or_else(|| Error::Machine("the CNI plugins are not installed".into()))?;
    let configuration = format!(
        r#"version = 2
root = "{root}"
state = "{state}"
# A negative score needs a capability that a container's root may lack.
oom_score = 0

[grpc]
address = "{socket}"

[plugins."io.containerd.internal.v1.opt"]
path = "{opt}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true
disable_apparmor = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "{snapshotter}"
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{cni}"
"#,
        root = setting.text("containerd"),
        state = setting.text("containerd-state"),
        socket = setting.layout.containerd_socket().display(),
        opt = setting.text("opt"),
        pause = pause::NAME,
        snapshotter = snapshotter(setting.layout.root()),
        plugins = plugins.display(),
        cni = setting.text("cni"),
    );
    write(setting.layout, "containerd.toml", &configuration)?;

    let network = json!({
        "cniVersion": "0.4.0",
        "name": "trimtab",
        "plugins": [{
            "type": "bridge",
            "bridge": BRIDGE,
            "isGateway": true,
            "hairpinMode": true,
            "ipam": {
                "type": "host-local",
                "dataDir": setting.text("addresses"),
                "ranges": [[{
                    "subnet": setting.network.pods(),
                    "rangeStart": setting.network.first_pod(),
                    "rangeEnd": setting.network.last_pod(),
                    "gateway": setting.network.node(),
                }]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    });
    write(setting.layout, "cni/10-trimtab.conflist", &network.to_string())?;
    let flags = vec!["--config".into(), setting.text("containerd.toml")];
    Ok(setting.component("containerd", vec!["containerd".into()], flags))
}

/// An overlay cannot lie on another overlay, which is what a run folder within a container is.
fn snapshotter(root: &Path) -> &'static str {
    let overlay = nix::sys::statfs::statfs(root)
        .is_ok_and(|status| status.filesystem_type() == nix::sys::statfs::OVERLAYFS_SUPER_MAGIC);
    if overlay { "native" } else { "overlayfs" }
}

fn kubelet(setting: &Setting<'_>) -> Result<Component, Error> {
    // A lease has to be renewed a few times within the grace, or a healthy node counts as lost.
    let lease = setting.options.node_grace_seconds.map_or(40, |grace| grace.max(4));
    let configuration = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": setting.network.node(),
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": setting.text("pki/ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": setting.text("pki/kubelet.crt"),
        "tlsPrivateKeyFile": setting.text("pki/kubelet.key"),
        "containerRuntimeEndpoint": format!("unix://{}", setting.layout.containerd_socket().display()),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", cgroups::name(setting.number)),
        "failCgroupV1": false,
        "failSwapOn": false,
        "oomScoreAdj": 0,
        "enforceNodeAllocatable": [],
        // The disk is the machine's, and what else fills it is not the node's concern.
        "evictionHard": {
            "memory.available": "50Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
            "imagefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "imagePullCredentialsVerificationPolicy": "NeverVerify",
        "clusterDNS": [],
        "resolvConf": "",
        "maxPods": setting.options.max_pods,
        "podLogsDir": setting.text("pod-logs"),
        "volumePluginDir": setting.text("volume-plugins"),
        "containerLogMaxSize": setting.options.log_max_size.as_deref().unwrap_or("10Mi"),
        "containerLogMonitorInterval": "3s",
        "nodeStatusUpdateFrequency": "2s",
        "nodeLeaseDurationSeconds": lease,
        "enableServer": true,
        "healthzBindAddress": "127.0.0.1",
        // A test that starts twenty pods at once should not wait for a limit meant for real nodes.
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
    });
    write(setting.layout, "kubelet.yaml", &configuration.to_string())?;
    let flags = vec![
        format!("--config={}", setting.text("kubelet.yaml")),
        format!("--kubeconfig={}", setting.text("kubelet.kubeconfig")),
        format!("--hostname-override={NODE}"),
        format!("--node-ip={}", setting.network.node()),
        format!("--root-dir={}", setting.text("kubelet")),
        format!("--cert-dir={}", setting.text("kubelet/pki")),
    ];
    Ok(setting.kubernetes("kubelet", flags))
}

fn proxy(setting: &Setting<'_>) -> Result<Component, Error> {
    let configuration = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": setting.text("kube-proxy.kubeconfig")},
        "hostnameOverride": NODE,
        "clusterCIDR": setting.network.pods(),
        "bindAddress": setting.network.node(),
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "oomScoreAdj": 0,
        // Both ends may be ports of one bridge, where the way back would bypass the translation.
        "nftables": {"masqueradeAll": true},
        // The limits on tracked connections are the machine's own.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    });
    write(setting.layout, "kube-proxy.yaml", &configuration.to_string())?;
    let flags = vec![format!("--config={}", setting.text("kube-proxy.yaml"))];
    Ok(setting.kubernetes("kube-proxy", flags))
}

/// The program that keeps the node's claim to have GPUs standing.
fn gpus(setting: &Setting<'_>) -> Result<Component, Error> {
    let executable = std::env::current_exe().map_err(Error::file("/proc/self/exe"))?;
    let executable = fs::canonicalize(&executable).unwrap_or(executable);
    let argv = vec![
        executable.display().to_string(),
        "claim-gpus".into(),
        setting.kube.display().to_string(),
        setting.layout.kubeconfig().display().to_string(),
        setting.options.gpus.to_string(),
    ];
    Ok(setting.component("gpus", argv, Vec::new()))
}
