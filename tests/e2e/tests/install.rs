//! The chart on a real cluster: installed by Helm, watched by Prometheus, upgraded, bereft of its leader, uninstalled.
//!
//! `cargo test -p trimtab-e2e --test install` needs `TRIMTAB_HELM`, which `./test install` sets, and Debian's package `prometheus`.

#[path = "install/namespaced.rs"]
mod namespaced;
#[path = "install/network.rs"]
mod network;
#[path = "install/queries.rs"]
mod queries;
#[path = "install/release.rs"]
mod release;
#[path = "install/trouble.rs"]
mod trouble;

use trimtab_e2e::environment::Kind;
use trimtab_e2e::{cases, suite};

fn main() -> std::process::ExitCode {
    let cases = cases![
        release::release_does_its_work_from_install_to_uninstall_and_all_that_watches_it_sees_it,
        namespaced::operator_for_some_namespaces_neither_touches_nor_reads_others,
    ];
    // One after the other: each installs a release, and the first serves every namespace.
    suite::run(Kind::Bare, 1, cases)
}
