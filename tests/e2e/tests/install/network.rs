//! What the NetworkPolicy opens is what the operator's pods use: seen from the sockets of their processes.
//!
//! Nothing on the tests' node enforces policies, so the policy is compared with the use instead of being felt.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::Api;
use trimtab_e2e::environment::Environment;
use trimtab_e2e::release::{Release, process};

/// Sockets of one network namespace.
#[derive(Debug, Default)]
struct Sockets {
    /// Ports that are listened on.
    listens: BTreeSet<u16>,
    /// The other ends of connections that came in, and the own port of each.
    came: BTreeSet<(IpAddr, u16)>,
    /// The other ends of connections that went out.
    went: BTreeSet<(IpAddr, u16)>,
    /// How many sockets without connections there are: DNS would need one.
    datagrams: usize,
}

/// The own end of a socket, its other end, and its state.
type Line = ((IpAddr, u16), (IpAddr, u16), String);

const ESTABLISHED: &str = "01";
const LISTEN: &str = "0A";

/// An address and a port as the kernel prints them: words of four bytes in the machine's order, and a number.
fn end(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let words: Option<Vec<u32>> =
        (0..address.len() / 8).map(|word| u32::from_str_radix(address.get(word * 8..word * 8 + 8)?, 16).ok()).collect();
    let bytes: Vec<u8> = words?.into_iter().flat_map(u32::to_le_bytes).collect();
    let address = match bytes.len() {
        4 => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        _ => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical(),
    };
    Some((address, u16::from_str_radix(port, 16).ok()?))
}

/// The lines of one of the kernel's tables of sockets, as seen by a process.
fn table(process: u32, name: &str) -> Result<Vec<Line>> {
    let path = format!("/proc/{process}/net/{name}");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        Some((end(words.next()?)?, end(words.next()?)?, words.next()?.to_owned()))
    };
    Ok(text.lines().skip(1).filter_map(line).collect())
}

fn sockets(process: u32) -> Result<Sockets> {
    let mut all = table(process, "tcp")?;
    all.extend(table(process, "tcp6")?);
    let mut sockets =
        Sockets { datagrams: table(process, "udp")?.len() + table(process, "udp6")?.len(), ..Sockets::default() };
    sockets.listens = all.iter().filter(|(_, _, state)| state == LISTEN).map(|(own, ..)| own.1).collect();
    for (own, other, state) in all {
        if state == ESTABLISHED && sockets.listens.contains(&own.1) {
            sockets.came.insert((other.0, own.1));
        } else if state == ESTABLISHED {
            sockets.went.insert(other);
        }
    }
    Ok(sockets)
}

fn number(port: &IntOrString) -> Option<u16> {
    match port {
        IntOrString::Int(port) => u16::try_from(*port).ok(),
        // The only port of the pod that has a name.
        IntOrString::String(name) => (name == "http").then_some(8080),
    }
}

/// Compares the release's policy with the sockets of all its pods.
pub(crate) async fn policy_opens_what_is_used(environment: &Environment, release: &Release) -> Result<()> {
    let policies: Api<NetworkPolicy> = Api::namespaced(environment.client.clone(), &release.namespace);
    let policy = policies.get("trimtab-operator").await?.spec.context("no policy")?;
    ensure!(policy.policy_types == Some(vec!["Ingress".to_owned(), "Egress".to_owned()]), "{:?}", policy.policy_types);
    let into: BTreeSet<u16> = policy
        .ingress
        .iter()
        .flatten()
        .flat_map(|rule| rule.ports.iter().flatten())
        .filter_map(|port| number(port.port.as_ref()?))
        .collect();
    let out: BTreeSet<u16> = policy
        .egress
        .iter()
        .flatten()
        .flat_map(|rule| rule.ports.iter().flatten())
        .filter_map(|port| number(port.port.as_ref()?))
        .collect();

    // What is opened is the API server: the Service's port, and the one behind it, because some networks look before the Service's
    // address is translated and some after.
    let services: Api<Service> = Api::namespaced(environment.client.clone(), "default");
    let service = services.get("kubernetes").await?.spec.context("no Service")?;
    let address: IpAddr = service.cluster_ip.clone().context("no address")?.parse()?;
    let slices: Api<EndpointSlice> = Api::namespaced(environment.client.clone(), "default");
    let slice = slices.get("kubernetes").await?;
    let before = service.ports.iter().flatten().map(|port| port.port);
    let behind = slice.ports.iter().flatten().filter_map(|port| port.port);
    let server: BTreeSet<u16> = before.chain(behind).filter_map(|port| u16::try_from(port).ok()).collect();
    ensure!(out == server, "the policy lets out to {out:?}, and the API server is at {server:?}");

    let (mut listens, mut went, mut came) = (BTreeSet::new(), BTreeSet::new(), 0);
    for pod in release.pods().await? {
        let sockets = sockets(process(pod.metadata.name.as_deref().unwrap_or_default())?)?;
        ensure!(sockets.datagrams == 0, "a pod speaks UDP, for which the policy has no rule: {sockets:?}");
        listens.extend(&sockets.listens);
        came += sockets.came.len();
        went.extend(sockets.went);
    }
    ensure!(into == listens, "the policy lets in to {into:?}, and {listens:?} is listened on");
    ensure!(came > 0, "Prometheus and the kubelet are connected to nobody");
    let elsewhere: Vec<_> = went.iter().filter(|(to, port)| *to != address || !out.contains(port)).collect();
    ensure!(
        elsewhere.is_empty() && !went.is_empty(),
        "the pods are connected to {went:?}; the policy lets them reach {address} at {out:?}"
    );
    Ok(())
}
