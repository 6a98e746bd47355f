//! Places for runs: GPUs by their numbers, and as many runs as the CPUs carry.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Error;
use crate::program::Program;

/// Who has which place.
#[derive(Clone, Debug)]
pub struct Slots {
    /// GPUs that nobody has, by the names that `CUDA_VISIBLE_DEVICES` takes.
    free: BTreeSet<String>,
    held: BTreeMap<u32, Vec<String>>,
    /// How many runs the CPUs carry at once; absent: no bound but the study's.
    most: Option<usize>,
    /// GPUs that each run takes.
    each: usize,
}

impl Slots {
    /// Places for a program's runs on a machine with these GPUs and CPUs.
    ///
    /// A study that asks for GPUs runs without them on a machine that has none at all, as many programs can; that is worth a
    /// warning, which comes with the places.
    ///
    /// # Errors
    /// When a run asks for more GPUs than there are, and there are some.
    pub fn new(program: &Program, gpus: Vec<String>, cpus: usize) -> Result<(Self, Option<String>), Error> {
        let wanted = program.gpus as usize;
        let (mut each, mut warning) = (wanted, None);
        if wanted > gpus.len() && gpus.is_empty() {
            each = 0;
            warning = Some(format!("a trial asks for {wanted} GPUs and no GPU was found: trials run without"));
        } else if wanted > gpus.len() {
            let found = gpus.len();
            let words =
                format!("a trial asks for {wanted} GPUs and this machine has {found}: ask for fewer in `resources`");
            return Err(Error::NoRoom(words));
        }
        let cpus = u64::try_from(cpus).unwrap_or(u64::MAX).saturating_mul(1000);
        let most = cpus.checked_div(program.millicpus).map(|most| usize::try_from(most).unwrap_or(usize::MAX).max(1));
        Ok((Self { free: gpus.into_iter().collect(), held: BTreeMap::new(), most, each }, warning))
    }

    /// Takes a place for a trial's run. `None` while there is none; else the GPUs that are its own.
    pub fn take(&mut self, trial: u32) -> Option<Vec<String>> {
        if self.most.is_some_and(|most| self.held.len() >= most) || self.free.len() < self.each {
            return None;
        }
        let gpus: Vec<String> = self.free.iter().take(self.each).cloned().collect();
        gpus.iter().for_each(|gpu| {
            self.free.remove(gpu);
        });
        self.held.insert(trial, gpus.clone());
        Some(gpus)
    }

    /// Gives a trial's place back.
    pub fn give_back(&mut self, trial: u32) {
        self.free.extend(self.held.remove(&trial).into_iter().flatten());
    }
}

/// The GPUs that a trial may be given: those of `CUDA_VISIBLE_DEVICES` where it is set, else all that the NVIDIA driver shows.
#[must_use]
pub fn find_gpus(visible: Option<&str>) -> Vec<String> {
    if let Some(visible) = visible {
        // As CUDA reads it, what comes after a -1 is not there.
        let names = visible.split(',').map(str::trim).take_while(|name| !name.is_empty() && *name != "-1");
        return names.map(str::to_owned).collect();
    }
    let count = std::fs::read_dir("/proc/driver/nvidia/gpus").map_or(0, Iterator::count);
    (0..count).map(|number| number.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(gpus: u32, millicpus: u64) -> Program {
        Program {
            words: Vec::new(),
            variables: Vec::new(),
            directory: "/".into(),
            gpus,
            millicpus,
            memory: None,
            grace: 1,
            warnings: Vec::new(),
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn no_gpu_is_given_twice() {
        let (mut slots, warning) = Slots::new(&program(2, 0), names(&["0", "1", "2"]), 1).unwrap();
        assert_eq!(warning, None);
        assert_eq!(slots.take(7), Some(names(&["0", "1"])));
        assert_eq!(slots.take(8), None);
        slots.give_back(7);
        assert_eq!(slots.take(8), Some(names(&["0", "1"])));
        assert!(Slots::new(&program(4, 0), names(&["0"]), 1).is_err());
        let (mut without, warning) = Slots::new(&program(1, 0), Vec::new(), 1).unwrap();
        assert!(warning.is_some() && without.take(0) == Some(Vec::new()));
    }

    #[test]
    fn cpus_bound_how_many_run_and_one_always_does() {
        let (mut slots, _) = Slots::new(&program(0, 1500), Vec::new(), 3).unwrap();
        assert!(slots.take(0).is_some() && slots.take(1).is_some() && slots.take(2).is_none());
        let (mut large, _) = Slots::new(&program(0, 64_000), Vec::new(), 2).unwrap();
        assert!(large.take(0).is_some() && large.take(1).is_none());
    }

    #[test]
    fn visible_devices_are_read_as_cuda_does() {
        assert_eq!(find_gpus(Some("2, GPU-ab,-1,3")), names(&["2", "GPU-ab"]));
        assert_eq!(find_gpus(Some("")), Vec::<String>::new());
    }
}
