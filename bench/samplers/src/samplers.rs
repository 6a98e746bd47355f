//! The samplers by the names that the command line takes: one line each.

use trimtab_engine::Sampler;

/// Name and sampler, in the order of the help.
const SAMPLERS: [(&str, Sampler); 5] = [
    ("random", Sampler::Random),
    ("genetic", Sampler::Genetic { population: None }),
    ("cma-es", Sampler::CmaEs { population: None }),
    ("gaussian-process", Sampler::GaussianProcess),
    ("random-forest", Sampler::RandomForest),
];

/// The sampler of this name.
pub(crate) fn by_name(name: &str) -> anyhow::Result<Sampler> {
    let known = SAMPLERS.iter().find(|(known, _)| *known == name).map(|(_, sampler)| *sampler);
    known.ok_or_else(|| {
        let names: Vec<&str> = SAMPLERS.iter().map(|(name, _)| *name).collect();
        anyhow::anyhow!("no sampler `{name}`; there are {}", names.join(", "))
    })
}
