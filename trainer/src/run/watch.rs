//! What is seen of an epoch while it is trained: a bar on a terminal.

use crate::bar::Bar;
use crate::settings::Settings;
use crate::training::Batch;

/// One epoch of one fold as it is seen.
pub(super) struct Watch {
    bar: Option<Bar>,
    title: String,
}

impl Watch {
    /// The beginning of `epoch` in the fold at `place` of `several`.
    pub(super) fn new(settings: &Settings, epoch: u32, (place, several): (usize, usize)) -> Self {
        let fold = if several > 1 { format!(", network {} of {several}", place + 1) } else { String::new() };
        Self { bar: Bar::new(), title: format!("epoch {epoch} of {}{fold}", settings.epochs) }
    }

    /// After a batch: `done` of `of` are.
    pub(super) fn see(&mut self, (done, of): (usize, usize), batch: Batch) {
        if let Some(bar) = &mut self.bar {
            bar.show(&self.title, (done as u64, of as u64), &format!("loss {:.4}", batch.loss));
        }
    }

    /// Before a line is printed.
    pub(super) fn clear(&mut self) {
        if let Some(bar) = &mut self.bar {
            bar.clear();
        }
    }
}
