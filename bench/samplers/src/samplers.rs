//! The samplers by the names that the command line takes: one line each.

use trimtab_engine::{Sampler, TpeSettings};

/// Name and sampler, in the order of the help.
const SAMPLERS: [(&str, Sampler); 10] = [
    ("automatic", Sampler::Automatic),
    ("random", Sampler::Random),
    ("quasi-random", Sampler::QuasiRandom),
    ("tpe", Sampler::Tpe(TpeSettings { independent: false, startup_trials: 10 })),
    ("tpe-independent", Sampler::Tpe(TpeSettings { independent: true, startup_trials: 10 })),
    ("genetic", Sampler::Genetic { population: None }),
    ("cma-es", Sampler::CmaEs { population: None }),
    ("gaussian-process", Sampler::GaussianProcess),
    ("random-forest", Sampler::RandomForest),
    ("gradient", Sampler::Gradient),
];

/// The sampler of this name.
pub(crate) fn by_name(name: &str) -> anyhow::Result<Sampler> {
    let known = SAMPLERS.iter().find(|(known, _)| *known == name).map(|(_, sampler)| *sampler);
    known.ok_or_else(|| {
        let names: Vec<&str> = SAMPLERS.iter().map(|(name, _)| *name).collect();
        anyhow::anyhow!("no sampler `{name}`; there are {}", names.join(", "))
    })
}
