//! What a trial's process and Trimtab say to each other.
//!
//! Towards the process: [`environment()`] writes its variables, and [`arguments()`] keeps the elements of `args` and
//! `command` that the run can fill. Back from it: [`Lines`] cuts the log's bytes into lines, a [`Parser`] reads the
//! [`Report`]s on a line, and a [`Progress`] folds them into values at levels. A client that does the runs itself says so in [`asking`].
//!
//! Everything here is pure: no I/O, no clock, and no state but what the caller holds. Whatever comes from the process
//! is hostile input: it is read in linear time, within the bounds that [`log`] names, without panics.

pub mod arguments;
pub mod asking;
pub mod curve;
pub mod environment;
pub mod lines;
pub mod log;
pub mod reports;

pub use arguments::{Dangling, UnknownVariable, arguments, check_arguments, escape, expand};
pub use curve::Curve;
pub use environment::{Facts, Fidelity, environment};
pub use lines::{Line, Lines, nanoseconds};
pub use log::{LineReport, Memory, Metrics, Parser, Rejected, Report, Why};
pub use reports::{Ending, Finished, Folded, Progress, Reached};
