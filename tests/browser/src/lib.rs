//! Looks at reports with Chromium, and makes the studies that they are of.

pub mod browser;
pub mod page;
pub mod play;
pub mod studies;
