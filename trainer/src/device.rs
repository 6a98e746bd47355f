//! What the training is computed on.

use burn::tensor::Device;

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

impl Kind {
    /// The kinds that this program was built with, by name.
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
    #[must_use]
    pub fn open(self) -> Device {
        match self {
            Self::Cpu => Device::flex(),
            #[cfg(feature = "cuda")]
            Self::Cuda => Device::cuda(0_usize),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => Device::vulkan(burn::tensor::DeviceKind::DefaultDevice),
        }
    }
}
