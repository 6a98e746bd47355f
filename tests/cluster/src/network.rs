//! The cluster's network: a bridge in its own namespace, with the machine on it as one more host.
//!
//! The machine's end of a pair of virtual interfaces carries an address of the pods' own subnet and
//! the other end is a port of the bridge, so that the machine and the pods reach each other without
//! a route, a rule or address translation.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use crate::error::Error;
use crate::run;

/// The numbers a cluster may have: each is the second byte of its addresses.
pub(crate) const NUMBERS: std::ops::RangeInclusive<u8> = 64..=250;

/// The port of the API server, which has the whole address to itself.
pub(crate) const API_PORT: u16 = 6443;

/// The bridge, by the name that the CNI plugin knows it by.
pub(crate) const BRIDGE: &str = "cni0";

/// The addresses of one cluster.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network {
    number: u8,
}

impl Network {
    pub(crate) fn new(number: u8) -> Network {
        Network { number }
    }

    /// The bridge: the node's address, the pods' gateway and the API server.
    pub(crate) fn node(self) -> Ipv4Addr {
        Ipv4Addr::new(10, self.number, 0, 1)
    }

    /// The machine's own address among the pods.
    pub(crate) fn machine(self) -> Ipv4Addr {
        Ipv4Addr::new(10, self.number, 0, 254)
    }

    pub(crate) fn pods(self) -> String {
        format!("10.{}.0.0/24", self.number)
    }

    pub(crate) fn first_pod(self) -> String {
        format!("10.{}.0.2", self.number)
    }

    pub(crate) fn last_pod(self) -> String {
        format!("10.{}.0.250", self.number)
    }

    pub(crate) fn services(self) -> String {
        format!("10.{}.16.0/20", self.number)
    }

    /// The address that the Service `kubernetes` gets: the first of its range.
    pub(crate) fn api_service(self) -> Ipv4Addr {
        Ipv4Addr::new(10, self.number, 16, 1)
    }

    pub(crate) fn api_url(self) -> String {
        format!("https://{}:{API_PORT}", self.node())
    }

    /// The machine's end of the pair.
    pub(crate) fn interface(self) -> String {
        format!("trimtab{}", self.number)
    }

    /// Whether this machine's end is there.
    pub(crate) fn exists(self) -> bool {
        Path::new("/sys/class/net").join(self.interface()).exists()
    }

    /// Whether a network of this machine lies where this one would.
    ///
    /// Wide routes, such as a company's 10.0.0.0/8, do not count: the narrower one wins.
    pub(crate) fn overlaps_a_route(self) -> bool {
        let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
        routes.lines().skip(1).any(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let hex = |index: usize| {
                fields
                    .get(index)
                    .and_then(|field| u32::from_str_radix(field, 16).ok())
                    .map(|little| Ipv4Addr::from(little.swap_bytes()))
            };
            let (Some(destination), Some(mask)) = (hex(1), hex(7)) else {
                return false;
            };
            mask.to_bits().count_ones() >= 16 && destination.octets()[..2] == [10, self.number]
        })
    }

    /// Joins this machine to the namespace of a process. One call makes both ends, and the kernel
    /// removes both with the namespace, so that nothing is left whenever either side dies.
    pub(crate) fn attach(self, process: u32) -> Result<(), Error> {
        let (interface, process) = (self.interface(), process.to_string());
        let address = format!("{}/24", self.machine());
        let (services, gateway) = (self.services(), self.node().to_string());
        let commands: [&[&str]; 4] = [
            &["ip", "link", "add", &interface, "type", "veth", "peer", "name", "eth0", "netns", &process],
            &["ip", "address", "add", &address, "dev", &interface],
            &["ip", "link", "set", &interface, "up"],
            &["ip", "route", "add", &services, "via", &gateway, "dev", &interface],
        ];
        for command in commands {
            run::words_of(command)?;
        }
        Ok(())
    }

    /// What the namespace's first process runs to complete its side.
    pub(crate) fn inside(self) -> Vec<Vec<String>> {
        let bridge_hardware = format!("02:74:74:{:02x}:00:01", self.number);
        let commands = [
            "ip link set lo up".to_owned(),
            // With an address of its own the bridge keeps it when pods come and go.
            format!("ip link add {BRIDGE} address {bridge_hardware} type bridge"),
            format!("ip address add {}/24 dev {BRIDGE}", self.node()),
            format!("ip link set {BRIDGE} up"),
            format!("ip link set eth0 master {BRIDGE}"),
            "ip link set eth0 up".to_owned(),
        ];
        commands.iter().map(|command| command.split(' ').map(str::to_owned).collect()).collect()
    }
}
