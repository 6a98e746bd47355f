//! Studies on one machine: the same engine, validation and judgement as on a cluster, with processes for pods and a file for the
//! API server.
//!
//! A [`Session`] works on the study in a [`Folder`]. All that it knows is in the [`journal`], which is the log of the same objects that a
//! cluster holds; a [`Book`] is its fold. Each run of a trial is a process below a [`supervisor`], which ends everything that the
//! run started when the run is over, or when the session is gone, however it went.

pub mod book;
pub mod desk;
mod error;
pub mod folder;
pub mod identity;
pub mod import;
pub mod interrupts;
pub mod journal;
mod judge;
mod launch;
mod ledger;
mod notice;
mod output;
pub mod program;
pub mod request;
mod session;
pub mod slots;
pub mod supervisor;

pub use book::Book;
pub use desk::Desk;
pub use error::Error;
pub use folder::Folder;
pub use launch::Launcher;
pub use ledger::End;
pub use notice::{Board, Notice, Observer, Running};
pub use session::{Options, Session};
