//! The commands, one file each.

pub(crate) mod ask_tell;
pub(crate) mod best;
pub(crate) mod completions;
pub(crate) mod crds;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod importance;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod stop;
pub(crate) mod supervise;
pub(crate) mod suspend;
pub(crate) mod validate;
pub(crate) mod watch;
