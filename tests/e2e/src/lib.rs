//! What the tests on a real API server and a real node stand on.
//!
//! An [`Environment`](environment::Environment) is a cluster with Trimtab's definitions and permissions; all tests of a program
//! share one. A [`Ground`](ground::Ground) is a namespace in it with an operator of its own, which runs as an ordinary process
//! under the permissions of its ServiceAccount and can be killed at any moment. A [`Picture`](picture::Picture) is everything in
//! the namespace at one moment: tests wait for predicates of it, and a failure shows it.

pub mod audit;
pub mod curve;
pub mod environment;
pub mod ground;
pub mod http;
pub mod operator;
pub mod oracle;
pub mod picture;
pub mod place;
pub mod programs;
pub mod prometheus;
pub mod release;
pub mod stories;
pub mod studies;
pub mod suite;
