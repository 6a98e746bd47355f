//! What is said of a plan and of a study, as values: rendered as text, or serialized as JSON.

mod forecast;
mod front;
mod hours;
pub(crate) mod ladder;
mod plan;
mod reading;
mod rules;
mod saving;
mod study;
mod trial;

pub(crate) use forecast::{Pace, seconds_left, share, time};
pub(crate) use front::{FrontAccount, front_of};
pub(crate) use hours::HoursAccount;
pub(crate) use ladder::BracketAccount;
pub(crate) use plan::PlanAccount;
pub(crate) use reading::Reading;
pub(crate) use saving::SavingAccount;
pub(crate) use study::{BestAccount, StudyAccount, best_of, unit};
pub(crate) use trial::{TrialAccount, others, reduced, state_word};
