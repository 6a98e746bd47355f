//! The laws of a decision, held against every sampler, scheduler and kind of space, over many seeded studies.
//!
//! A study here runs in a simulated world (`world`): trials progress at random, fail, report NaN and ties, results come
//! late, twice and out of order, trials are deleted, settings change. After each decision the laws (`laws`) are checked
//! against bookkeeping that shares no code with the engine. `planted` breaks decisions on purpose, to show that the
//! suite can fail.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod audited;
mod budget;
mod cases;
mod dice;
mod evidence;
mod judges;
mod laws;
mod planted;
mod population;
mod world;
