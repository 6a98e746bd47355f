//! The objects of `trimtab.dev/v1alpha1`: what users write, what the controllers record, and the rules that hold for both.
//!
//! Types, schema and CEL rules live here, and the conversion to the engine's values: [`validate()`] makes a
//! [`trimtab_engine::Plan`] of a Study, [`history`] makes a [`trimtab_engine::History`] of a Study and its Trials, and back.

pub mod conditions;
pub mod ending;
pub mod front;
pub mod history;
pub mod lineage;
pub mod manifest;
pub mod names;
pub mod plan;
pub mod podspec;
pub mod quantity;
pub mod record;
pub mod resources;
pub mod safety;
pub mod schema;
pub mod study;
mod template;
pub mod trial;
pub mod validate;
pub mod warm;
pub mod whole;
pub mod wish;

pub use study::{Study, StudySpec, StudyStatus};
pub use trial::{Trial, TrialSpec, TrialStatus};
pub use validate::{FieldError, validate};

/// The API group.
pub const GROUP: &str = "trimtab.dev";
/// The version.
pub const VERSION: &str = "v1alpha1";
