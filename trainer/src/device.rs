//! What the training is computed on, and in which precision.

use std::io::{self, Write};

use burn::tensor::Device;
#[cfg(any(feature = "cuda", feature = "vulkan"))]
use burn::tensor::DeviceType;

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This machine's CPU.
    Cpu,
    /// The first NVIDIA GPU.
    #[cfg(feature = "cuda")]
    Cuda,
    /// The GPU that Vulkan prefers.
    #[cfg(feature = "vulkan")]
    Vulkan,
}

/// A device that is not there.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "found no device for --device={kind}: expected {expected}; --device=list says what there is, --device=cpu needs none"
)]
pub struct Missing {
    kind: &'static str,
    expected: &'static str,
}

impl Kind {
    /// All kinds that this program can be built with.
    pub const NAMES: [&str; 3] = ["cpu", "cuda", "vulkan"];

    /// The kinds that it was built with, by name.
    pub const BUILT_IN: &[(&str, Self)] = &[
        ("cpu", Self::Cpu),
        #[cfg(feature = "cuda")]
        ("cuda", Self::Cuda),
        #[cfg(feature = "vulkan")]
        ("vulkan", Self::Vulkan),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::BUILT_IN.iter().find(|(_, kind)| *kind == self).map_or("unknown", |(name, _)| name)
    }

    /// The device.
    ///
    /// # Errors
    /// If there is none of this kind.
    pub fn open(self) -> Result<Device, Missing> {
        match self {
            Self::Cpu => Ok(Device::flex()),
            #[cfg(feature = "cuda")]
            Self::Cuda if !self.names().is_empty() => Ok(Device::cuda(0_usize)),
            #[cfg(feature = "vulkan")]
            Self::Vulkan if !self.names().is_empty() => Ok(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice)),
            #[cfg(any(feature = "cuda", feature = "vulkan"))]
            _ => Err(Missing {
                kind: self.name(),
                expected: "the driver's libraries, and a GPU that this process may use (of a pod: one among its \
                           resources' limits)",
            }),
        }
    }

    /// What its devices on this machine are called.
    fn names(self) -> Vec<String> {
        match self {
            Self::Cpu => vec![std::env::consts::ARCH.to_owned()],
            #[cfg(feature = "cuda")]
            Self::Cuda => gpus(DeviceType::Cuda),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => gpus(DeviceType::Vulkan),
        }
    }
}

/// The GPUs of a kind by their own names; none where its driver is not installed.
#[cfg(any(feature = "cuda", feature = "vulkan"))]
fn gpus(kind: DeviceType) -> Vec<String> {
    let name = |device: Device| device.identity().map_or_else(|| "a GPU".to_owned(), |identity| identity.name);
    Device::enumerate(kind).into_vec().into_iter().map(name).collect()
}

/// Says which devices there are, a line for each, and of which kinds there are none and why.
///
/// # Errors
/// If it cannot be printed.
pub fn list(out: &mut dyn Write) -> io::Result<()> {
    for name in Kind::NAMES {
        match Kind::BUILT_IN.iter().find(|(known, _)| *known == name) {
            None => writeln!(out, "{name}  not in this program, which was built without --features {name}")?,
            Some((_, kind)) => {
                let found = kind.names();
                if found.is_empty() {
                    writeln!(out, "{name}  none found")?;
                }
                found.iter().try_for_each(|device| writeln!(out, "{name}  {device}"))?;
            }
        }
    }
    out.flush()
}

/// In which numbers batches are computed. The weights, what the optimizer remembers, and validation are always in single precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// In those of the weights.
    Single,
    /// The passes through the network in bfloat16 (Micikevicius et al. 2018; Kalamkar et al. 2019), the loss in single precision.
    /// It has the range of single precision, so that the loss needs no scaling.
    Mixed,
}

impl Precision {
    /// Both, by name.
    pub const ALL: [(&'static str, Self); 2] = [("single", Self::Single), ("bfloat16", Self::Mixed)];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed_with_what_there_is_of_it() {
        let mut out = Vec::new();
        list(&mut out).unwrap();
        let said = String::from_utf8(out).unwrap();
        for name in Kind::NAMES {
            assert!(said.lines().any(|line| line.starts_with(&format!("{name}  "))), "{said}");
        }
        assert!(said.starts_with(&format!("cpu  {}\n", std::env::consts::ARCH)), "{said}");
        #[cfg(not(feature = "cuda"))]
        assert!(said.contains("cuda  not in this program, which was built without --features cuda\n"), "{said}");
    }
}
