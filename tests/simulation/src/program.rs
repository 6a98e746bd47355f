//! What runs in a container: a small training program with seeded manners, or a script of `echo`, `sleep` and `exit`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::clock::{Millis, SECOND};
use crate::dice::{Dice, mix};
use crate::volume::Volume;

/// How a trial's training behaves: a property of its configuration, the same in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As documented.
    Plain,
    /// Prints NaN from this epoch on.
    Nan(u32),
    /// Exits with this code when this epoch would end.
    Crash(u32, i32),
    /// Runs out of memory when this epoch would end.
    OutOfMemory(u32),
    /// Prints no metric.
    Silent,
    /// Exits 0 after this epoch: it converged.
    Converges(u32),
    /// Does not go on after this epoch.
    Hangs(u32),
    /// Goes on past its level to the full fidelity.
    IgnoresLevel,
    /// Begins from zero, whatever it is given.
    IgnoresCheckpoint,
    /// Does not react to SIGTERM.
    IgnoresTerm,
    /// Exits 0 on SIGTERM.
    TermIsZero,
}

impl Manner {
    /// The manner of a trial.
    #[must_use]
    pub fn of(seed: u64, study: &str, trial: u32, oddness: f64) -> Self {
        let mut dice = Dice::new(mix(seed, study), &format!("manner {trial}"));
        if !dice.chance(oddness) {
            return Self::Plain;
        }
        let epoch = 1 + u32::try_from(dice.below(6)).unwrap_or(0);
        let code = dice.pick(&[1, 2, 3, 42, 137, 139, 143, 255]).copied().unwrap_or(1);
        let manners = [
            Self::Nan(epoch),
            Self::Crash(epoch, code),
            Self::OutOfMemory(epoch),
            Self::Silent,
            Self::Converges(epoch),
            Self::Hangs(epoch),
            Self::IgnoresLevel,
            Self::IgnoresCheckpoint,
            Self::IgnoresTerm,
            Self::TermIsZero,
        ];
        dice.pick(&manners).copied().unwrap_or(Self::Plain)
    }
}

/// What the training of a configuration reports at an epoch.
#[must_use]
pub fn value(parameters: &BTreeMap<String, String>, epoch: u32) -> f64 {
    let mut sum = 0.0;
    for (name, text) in parameters {
        sum += match text.parse::<f64>() {
            Ok(x) if x.is_finite() => x,
            _ => (mix(1, &format!("{name}={text}")) % 1_000) as f64 / 1_000.0,
        };
    }
    let quality = (sum * 7.321).fract().abs();
    let progress = f64::from(epoch) / (f64::from(epoch) + 2.0 + 6.0 * quality);
    ((0.5 + 0.5 * (1.0 - quality)) * progress * 1e6).round() / 1e6
}

/// A report of a training: on record for the judges, whether or not anybody read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The epoch.
    pub epoch: u32,
    /// The value, as it was printed.
    pub value: f64,
}

/// What a container is told.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The study's name.
    pub study: String,
    /// The trial's number.
    pub trial: u32,
    /// The run's number.
    pub run: u32,
    /// The parameters by name.
    pub parameters: BTreeMap<String, String>,
    /// Where the run ends.
    pub fidelity: u32,
    /// The full fidelity.
    pub max: u32,
    /// Which repeat it is, where the fidelity is a number of them.
    pub repeat: Option<u32>,
    /// The folder it writes.
    pub checkpoint: Option<String>,
    /// The folder it may resume from.
    pub resume: Option<String>,
    /// How far the trial is, or the one that it is a copy of.
    pub reached: u32,
}

impl Facts {
    /// Reads the variables of a container, as the process sees them.
    #[must_use]
    pub fn read(container: &Value) -> Option<Self> {
        let list = container["env"].as_array()?;
        let get = |name: &str| {
            let held = list.iter().rfind(|e| e["name"] == name)?;
            // The kubelet turns `$$` into `$`; nothing else is expanded here.
            held["value"].as_str().map(|v| v.replace("$$", "$"))
        };
        let number = |name: &str| get(name).and_then(|v| v.parse::<u32>().ok());
        let object: Value = serde_json::from_str(&get("TRIMTAB_PARAMETERS")?).ok()?;
        let parameters =
            object.as_object()?.iter().map(|(n, v)| (n.clone(), v.as_str().unwrap_or("").to_owned())).collect();
        Some(Self {
            study: get("TRIMTAB_STUDY")?,
            trial: number("TRIMTAB_TRIAL")?,
            run: number("TRIMTAB_RUN")?,
            parameters,
            fidelity: number("TRIMTAB_FIDELITY").unwrap_or(1),
            max: number("TRIMTAB_FIDELITY_MAX").unwrap_or(1),
            repeat: number("TRIMTAB_REPEAT"),
            checkpoint: get("TRIMTAB_CHECKPOINT"),
            resume: get("TRIMTAB_RESUME"),
            reached: number("TRIMTAB_FIDELITY_REACHED").unwrap_or(0),
        })
    }
}

/// What a program does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// Prints a line, with the report that is on it, and goes on after a time.
    Print(String, Option<Report>, Millis),
    /// Prints nothing and goes on after a time.
    Wait(Millis),
    /// Ends.
    Exit(i32),
    /// Is killed for its memory.
    OutOfMemory,
    /// Does nothing any more.
    Hang,
}

/// A program in a container.
#[derive(Clone, Debug)]
pub enum Program {
    /// A training.
    Training(Box<Training>),
    /// The rest of a script.
    Script(Vec<String>),
}

/// A training.
#[derive(Clone, Debug)]
pub struct Training {
    /// What it is told.
    pub facts: Facts,
    /// How it behaves.
    pub manner: Manner,
    /// Milliseconds an epoch takes.
    pub pace: Millis,
    epoch: u32,
    begun: bool,
    saved: bool,
    noise: bool,
    /// Whether it tells derivatives in its rate, on lines of their own that come late.
    tells_slopes: bool,
    /// The derivative that it has not told yet.
    owed: Option<f64>,
}

impl Program {
    /// The program of a container. Its manner and pace follow from the seed and the trial.
    #[must_use]
    pub fn of(container: &Value, seed: u64, oddness: f64) -> Self {
        if let Some(facts) = Facts::read(container) {
            let mut dice = Dice::new(mix(seed, &facts.study), &format!("pace {} {}", facts.trial, facts.run));
            let pace = dice.pick(&[SECOND / 2, SECOND, 5 * SECOND, 20 * SECOND]).copied().unwrap_or(SECOND)
                + dice.below(SECOND);
            let mut manner = Manner::of(seed, &facts.study, facts.trial, oddness);
            // Of a run that is judged as a whole nobody can see that it went on, or that it ended before its time.
            let is_whole = facts.repeat.is_some() || words(container).any(|word| word.starts_with("--rows="));
            if is_whole && matches!(manner, Manner::IgnoresLevel | Manner::Converges(_)) {
                manner = Manner::Plain;
            }
            let noise = dice.chance(0.2);
            return Self::Training(Box::new(Training {
                facts,
                manner,
                pace,
                epoch: 0,
                begun: false,
                saved: false,
                noise,
                tells_slopes: words(container).any(|word| word == "--slopes"),
                owed: None,
            }));
        }
        let script = words(container).next_back().unwrap_or("exit 0");
        Self::Script(script.split([';', '\n']).map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect())
    }

    /// The next deed.
    pub fn step(&mut self, pod: &str, volume: &mut Volume) -> Deed {
        match self {
            Self::Training(training) => training.step(pod, volume),
            Self::Script(lines) => {
                if lines.is_empty() {
                    return Deed::Exit(0);
                }
                let line = lines.remove(0);
                let (word, rest) = line.split_once(' ').unwrap_or((line.as_str(), ""));
                match word {
                    "echo" => Deed::Print(rest.trim_matches(['"', '\'']).to_owned(), None, 1),
                    "sleep" => Deed::Wait(rest.trim().parse::<Millis>().unwrap_or(1) * SECOND),
                    "exit" => Deed::Exit(rest.trim().parse().unwrap_or(0)),
                    _ => Deed::Exit(127),
                }
            }
        }
    }

    /// What it does on SIGTERM: the code that it ends with and after which time, or nothing.
    #[must_use]
    pub fn on_term(&self) -> Option<(Millis, i32)> {
        match self {
            Self::Training(t) => match t.manner {
                Manner::IgnoresTerm => None,
                Manner::TermIsZero => Some((50, 0)),
                _ => Some((20, 143)),
            },
            // A shell without a trap is process 1, which SIGTERM does not reach.
            Self::Script(_) => None,
        }
    }
}

/// The words of a container's command and arguments.
fn words(container: &Value) -> impl DoubleEndedIterator<Item = &str> {
    let lists = [container["command"].as_array(), container["args"].as_array()];
    lists.into_iter().flatten().flatten().filter_map(Value::as_str)
}

/// Epochs that each repeat takes.
const EPOCHS: u32 = 3;

impl Training {
    /// What an odd manner counts by: the repeat, or else the epoch.
    fn unit(&self) -> u32 {
        self.facts.repeat.unwrap_or(self.epoch)
    }

    fn step(&mut self, pod: &str, volume: &mut Volume) -> Deed {
        if !self.begun {
            self.begun = true;
            self.begin(pod, volume);
            return if self.noise {
                Deed::Print(format!("starting, lr schedule cosine, run={}", self.facts.run), None, self.pace)
            } else {
                Deed::Wait(self.pace)
            };
        }
        if let Some(slope) = self.owed.take() {
            return Deed::Print(format!("gradient/rate={slope}"), None, 5);
        }
        let end = match self.facts.repeat {
            Some(_) => EPOCHS,
            None if self.manner == Manner::IgnoresLevel => self.facts.max,
            None => self.facts.fidelity,
        };
        let coming = self.facts.repeat.unwrap_or(self.epoch + 1);
        if self.epoch >= end && !self.saved {
            return Deed::Exit(0);
        }
        if !self.saved {
            match self.manner {
                Manner::Crash(epoch, code) if coming >= epoch => return Deed::Exit(code),
                Manner::OutOfMemory(epoch) if coming >= epoch => return Deed::OutOfMemory,
                Manner::Converges(epoch) if self.epoch >= epoch => return Deed::Exit(0),
                Manner::Hangs(epoch) if self.unit() >= epoch => return Deed::Hang,
                _ => {}
            }
            self.epoch += 1;
            self.saved = true;
            if let Some(folder) = &self.facts.checkpoint {
                volume.save(folder, self.epoch, self.epoch > self.facts.fidelity);
            }
            return Deed::Wait(5);
        }
        self.saved = false;
        let value = match self.manner {
            Manner::Nan(epoch) if self.unit() >= epoch => f64::NAN,
            _ => value(&self.facts.parameters, self.unit()),
        };
        if self.manner == Manner::Silent {
            return Deed::Print(format!("epoch={} still training", self.epoch), None, self.pace);
        }
        // Of a repeat only what it comes to counts.
        let report =
            (self.facts.repeat.is_none() || self.epoch >= EPOCHS).then(|| Report { epoch: self.unit(), value });
        let shown = if report.is_some() { value } else { value / 2.0 };
        // One in four is never told.
        let slope = if self.unit().is_multiple_of(2) { value - 0.3 } else { f64::NAN };
        let is_told = !mix(self.facts.trial.into(), &format!("slope {}", self.unit())).is_multiple_of(4);
        self.owed = Some(slope).filter(|_| self.tells_slopes && is_told);
        // What it costs is another order, and only some studies ask for it.
        let cost = (value * 100.0).abs() % 7.0 / 7.0;
        Deed::Print(format!("epoch={} val={shown} cost={cost}", self.epoch), report, self.pace)
    }

    fn begin(&mut self, pod: &str, volume: &mut Volume) {
        let own = self.facts.checkpoint.as_ref().and_then(|folder| volume.epoch(folder));
        let other = match &self.facts.resume {
            Some(folder) if own.is_none() => {
                let held = volume.read(folder, pod);
                if is_copied(folder, self.facts.trial) {
                    volume.judge_copy(folder, pod, held, self.facts.reached);
                }
                held
            }
            _ => None,
        };
        if let Some(folder) = &self.facts.checkpoint {
            volume.open(folder, pod);
        }
        if self.manner != Manner::IgnoresCheckpoint {
            self.epoch = own.or(other).unwrap_or(0);
            if self.facts.repeat.is_some() {
                // The last line of a repeat is printed again, because nobody may have read it.
                self.epoch = self.epoch.min(EPOCHS - 1);
            }
        }
    }
}

/// Whether a folder is that of another trial: `<mount>/<study UID>/<trial>/<run>`.
fn is_copied(folder: &str, trial: u32) -> bool {
    folder.rsplit('/').nth(1).is_some_and(|of| of != trial.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(program: &mut Program, volume: &mut Volume) -> (Vec<String>, i32) {
        let mut lines = Vec::new();
        loop {
            match program.step("pod", volume) {
                Deed::Print(line, ..) => lines.push(line),
                Deed::Wait(_) => {}
                Deed::Exit(code) => return (lines, code),
                Deed::OutOfMemory | Deed::Hang => return (lines, -1),
            }
        }
    }

    fn container(fidelity: u32, folder: &str, resume: Option<&str>) -> Value {
        let mut env = vec![
            json!({"name": "TRIMTAB_STUDY", "value": "s"}),
            json!({"name": "TRIMTAB_TRIAL", "value": "3"}),
            json!({"name": "TRIMTAB_RUN", "value": "1"}),
            json!({"name": "TRIMTAB_PARAMETERS", "value": "{\"x\":\"0.5\"}"}),
            json!({"name": "TRIMTAB_FIDELITY", "value": fidelity.to_string()}),
            json!({"name": "TRIMTAB_CHECKPOINT", "value": folder}),
        ];
        env.extend(resume.map(|r| json!({"name": "TRIMTAB_RESUME", "value": r})));
        json!({"name": "train", "env": env})
    }

    #[test]
    fn resumed_training_prints_only_what_is_new() {
        let mut volume = Volume::default();
        let epochs = |lines: Vec<String>| lines.iter().filter(|l| l.starts_with("epoch=")).count();
        let (first, code) = run(&mut Program::of(&container(2, "a", None), 1, 0.0), &mut volume);
        assert_eq!((epochs(first), code, volume.epoch("a")), (2, 0, Some(2)));
        let (second, code) = run(&mut Program::of(&container(5, "b", Some("a")), 1, 0.0), &mut volume);
        assert_eq!((epochs(second), code, volume.epoch("b")), (3, 0, Some(5)));
    }

    #[test]
    fn repeat_prints_what_it_came_to_at_its_last_epoch() {
        let mut held = container(2, "a", None);
        held["env"].as_array_mut().unwrap().push(json!({"name": "TRIMTAB_REPEAT", "value": "4"}));
        let mut program = Program::of(&held, 1, 0.0);
        let mut reports = Vec::new();
        loop {
            match program.step("pod", &mut Volume::default()) {
                Deed::Print(_, report, _) => reports.push(report.map(|report| report.epoch)),
                Deed::Exit(code) => break assert_eq!(code, 0),
                _ => {}
            }
        }
        reports.retain(|report| report.is_some());
        assert_eq!(reports, [Some(4)]);
    }

    #[test]
    fn script_is_carried_out() {
        let mut program = Program::of(&json!({"command": ["sh", "-c", "echo a=1; sleep 2; exit 3"]}), 1, 0.0);
        assert_eq!(run(&mut program, &mut Volume::default()), (vec!["a=1".to_owned()], 3));
    }
}
