//! Whole studies against an in-memory API server on a virtual clock, with seeded faults.

pub mod admission;
pub mod agenda;
pub mod call;
pub mod clock;
pub mod cluster;
pub mod collector;
pub mod dice;
pub mod failure;
pub mod gate;
pub mod jobs;
pub mod kubelet;
pub mod logs;
pub mod node;
pub mod program;
pub mod resource;
pub mod rules;
pub mod scenarios;
pub mod selector;
pub mod store;
pub mod volume;
pub mod weather;
pub mod world;
