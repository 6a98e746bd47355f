//! What people ask of a study while it lives: to rest, to go on, to end. Pure: the command line asks it of a Study in a cluster, and of a
//! journal.
//!
//! All three are said in fields that a user may change at any time, so that nobody needs a new right, and a study that was told
//! something by hand understands the same. An end is a limit: `activeSeconds` is set to what has passed. What it was before stands in an
//! annotation, so that it can be taken back.

use serde::{Deserialize, Serialize};

use crate::study::{Limits, Study};

/// The annotation that holds what `stop` changed.
pub const STOPPED: &str = "trimtab.dev/stopped";

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Wish {
    /// Nothing is to run; everything can go on later.
    Suspend,
    /// To go on after a [`Wish::Suspend`] or a [`Wish::Stop`].
    Resume,
    /// The study is to end with what it has.
    Stop,
}

/// What `stop` changed: the limit that it set, and the one that was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stopped {
    active_seconds: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
}

/// Whether a Study was ended by a wish that still stands. A limit that was changed since is the user's newer word.
#[must_use]
pub fn is_stopped(study: &Study) -> bool {
    stopped(study).is_some()
}

fn stopped(study: &Study) -> Option<Stopped> {
    let text = study.metadata.annotations.as_ref()?.get(STOPPED)?;
    // Anyone can write an annotation.
    let stopped: Stopped = serde_json::from_str(text).ok()?;
    let limit = study.spec.limits.as_ref().and_then(|limits| limits.active_seconds);
    (limit == Some(stopped.active_seconds)).then_some(stopped)
}

/// Changes a Study as it is asked. `active_seconds` is how long it has been active at least.
pub fn carry_out(study: &mut Study, wish: Wish, active_seconds: u64) {
    let held = stopped(study);
    match wish {
        Wish::Suspend => study.spec.suspend = true,
        Wish::Stop => {
            study.spec.suspend = false;
            if held.is_some() {
                return;
            }
            let limits = study.spec.limits.get_or_insert_default();
            // The schema allows no limit below one second.
            let limit = active_seconds.max(1);
            let stopped = Stopped { active_seconds: limit, before: limits.active_seconds };
            limits.active_seconds = Some(limit);
            let text = serde_json::to_string(&stopped).unwrap_or_default();
            study.metadata.annotations.get_or_insert_default().insert(STOPPED.to_owned(), text);
        }
        Wish::Resume => {
            study.spec.suspend = false;
            let Some(stopped) = held else { return };
            if let Some(limits) = &mut study.spec.limits {
                limits.active_seconds = stopped.before;
            }
            study.spec.limits.take_if(|limits| *limits == Limits::default());
            if let Some(annotations) = &mut study.metadata.annotations {
                annotations.remove(STOPPED);
            }
            study.metadata.annotations.take_if(|annotations| annotations.is_empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse_study;

    fn study(limits: &str) -> Study {
        parse_study(&format!(
            "apiVersion: trimtab.dev/v1alpha1\nkind: Study\nmetadata: {{name: s}}\nspec:\n  objectives: [{{metric: loss, goal: Minimize}}]\n  \
             parameters: [{{name: x, int: {{min: 0, max: 9}}}}]\n{limits}  \
             trial: {{job: {{spec: {{template: {{spec: {{containers: [{{name: c, image: i}}]}}}}}}}}}}\n"
        ))
        .unwrap()
    }

    #[test]
    fn a_stop_is_taken_back_to_what_was_there() {
        for limits in ["", "  limits: {trials: 3}\n", "  limits: {trials: 3, activeSeconds: 600}\n"] {
            let before = study(limits);
            for seconds in [0, 35] {
                let mut changed = before.clone();
                changed.spec.suspend = true;
                carry_out(&mut changed, Wish::Stop, seconds);
                assert_eq!(changed.spec.limits.as_ref().unwrap().active_seconds, Some(seconds.max(1)));
                assert!(is_stopped(&changed) && !changed.spec.suspend, "{limits}");
                let once = changed.clone();
                carry_out(&mut changed, Wish::Stop, 99);
                assert_eq!(changed, once, "a second stop changes nothing");
                carry_out(&mut changed, Wish::Resume, 99);
                assert_eq!(changed, before, "{limits}");
            }
        }
    }

    #[test]
    fn a_limit_that_was_changed_since_stands() {
        let mut changed = study("  limits: {activeSeconds: 600}\n");
        carry_out(&mut changed, Wish::Stop, 35);
        changed.spec.limits.as_mut().unwrap().active_seconds = Some(900);
        assert!(!is_stopped(&changed));
        carry_out(&mut changed, Wish::Resume, 35);
        assert_eq!(changed.spec.limits.unwrap().active_seconds, Some(900));
    }

    #[test]
    fn an_annotation_that_makes_no_sense_is_passed_over() {
        let mut odd = study("  limits: {activeSeconds: 600}\n");
        odd.metadata.annotations = Some([(STOPPED.to_owned(), "{}".to_owned())].into());
        assert!(!is_stopped(&odd));
        carry_out(&mut odd, Wish::Suspend, 0);
        assert!(odd.spec.suspend);
    }
}
