//! The trainer as a whole, on a small data set that the tests write themselves.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking and have no users"
)]

mod bad_data;
mod commands;
mod data;
mod exact;
mod examples;
mod fetch;
mod fixture;
mod gradients;
mod hostile;
mod hypergradients;
mod metrics;
mod process;
mod resume;
mod table;
mod threads;
mod within;
