//! The controllers: the only code that talks to a cluster.
//!
//! Two controllers share four caches. The [`study`] controller decides and writes `Trial.spec` and `Study.status`; the [`trial`]
//! controller makes Jobs of Trials and writes `Trial.status`. Truth is in the API server alone: a crash at any instruction loses
//! nothing and repeats nothing.

pub mod backoff;
pub mod cache;
pub mod check;
pub mod clock;
pub mod context;
pub mod error;
mod follow;
pub mod kept;
pub mod leader;
pub mod metrics;
mod overwritten;
mod quiet;
mod read;
mod reading;
pub mod run;
pub mod serve;
pub mod study;
pub mod trial;
pub mod watches;
mod write;

pub use clock::Clock;
pub use context::{Caches, Config, Context, Feeds, Triggers, caches};
pub use error::Error;
pub use metrics::Metrics;
pub use study::book::Books;
