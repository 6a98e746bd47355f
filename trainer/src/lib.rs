//! A training program for images, and the worked example of a Trimtab trial: it takes its parameters from flags or the
//! environment, prints its metrics, keeps a checkpoint, resumes from one exactly, and stops in order.

pub mod checkpoint;
pub mod data;
pub mod device;
pub mod evaluation;
pub mod flags;
pub mod idx;
pub mod model;
pub mod optimization;
pub mod random;
pub mod report;
pub mod run;
pub mod settings;
pub mod signals;
pub mod training;
