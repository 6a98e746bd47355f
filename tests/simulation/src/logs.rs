//! A container's log as the API server serves it, through the kubelet.

use crate::call::{Answer, Call};
use crate::clock;
use crate::failure::Failure;
use crate::kubelet::{Container, Kubelets};
use crate::node::{Nodes, Reach};
use crate::store::{self, Store};

/// Reads a log.
#[must_use]
pub fn read(call: &Call, store: &Store, kubelets: &Kubelets, nodes: &Nodes) -> Answer {
    let refuse = Answer::Refused;
    let Some(pod) = store.get(&call.key) else { return refuse(Failure::not_found("pods", &call.key.name)) };
    let waiting = |why: &str| {
        let name = call.query("container").unwrap_or("");
        refuse(Failure::bad_request(format!(
            "container \"{name}\" in pod \"{}\" is waiting to start: {why}",
            call.key.name
        )))
    };
    if pod["spec"]["nodeName"].is_null() {
        // The API server answers with an empty log for a pod without a node.
        return Answer::Text(String::new());
    }
    let Some(body) = kubelets.bodies.get(store::uid(pod)) else { return waiting("ContainerCreating") };
    if let Reach::Away(_) = nodes.reach(body.node) {
        let url = format!("https://node-{}:10250/containerLogs/{}/{}", body.node, call.key.namespace, call.key.name);
        return refuse(Failure::internal(format!("Get \"{url}\": dial tcp: connect: no route to host")));
    }
    if body.container == Container::Waiting {
        return waiting("ContainerCreating");
    }
    if let Some(wanted) = call.query("container").filter(|wanted| *wanted != body.name) {
        return refuse(Failure::bad_request(format!("container {wanted} is not valid for pod {}", call.key.name)));
    }
    let since = call.query("sinceTime").and_then(clock::parse).unwrap_or(0);
    let stamped = call.query("timestamps") == Some("true");
    let mut text = String::new();
    for line in body.log.iter().filter(|line| line.time >= since) {
        if stamped {
            text.push_str(&clock::stamp(line.time, line.number));
            text.push(' ');
        }
        text.push_str(&line.text);
        text.push('\n');
    }
    if let Some(limit) = call.query("limitBytes").and_then(|l| l.parse::<usize>().ok()) {
        // Lines are ASCII here, so that any byte is the border of a character.
        text.truncate(limit);
    }
    Answer::Text(text)
}
