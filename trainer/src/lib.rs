//! A training program for images and tables, and the worked example of a Trimtab trial: it takes its parameters from flags
//! or the environment, prints its metrics, keeps a checkpoint, resumes from one exactly, and stops in order.

pub mod bar;
pub mod checkpoint;
pub mod commands;
pub mod data;
pub mod device;
pub mod evaluation;
pub mod fetch;
pub mod flags;
pub mod hypergradient;
pub mod loss;
pub mod metrics;
pub mod model;
pub mod model_file;
pub mod optimization;
pub mod random;
pub mod report;
pub mod run;
pub mod schedule;
pub mod settings;
pub mod signals;
pub mod stopping;
pub mod team;
pub mod training;
