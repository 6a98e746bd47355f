//! `trimtab run` as its users run it: real processes, real signals, a folder that is looked at afterwards.
#![expect(clippy::unwrap_used, reason = "a scene that cannot be set fails its test")]

mod asks;
mod bars;
mod ends;
mod examples;
mod hours;
mod kills;
mod kinds;
mod moved;
mod places;
mod population;
mod programs;
mod refusals;
mod scene;
mod terminal;
mod verbs;
mod warm;
mod watched;
mod whole;
