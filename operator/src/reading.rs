//! Turns the bytes of a pod's log into reports, from a cursor on. Used by whoever reads: the poll and the follower.

use std::collections::BTreeSet;

use jiff::Timestamp;
use trimtab_api::Study;
use trimtab_api::trial::LogCursor;
use trimtab_engine::number;
use trimtab_protocol::{Line, Lines, Memory, Metrics, Parser, Report};

/// Where reading may begin again and lose nothing: after this line, with this fidelity in mind.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Place {
    /// The stamp of the line, as the kubelet wrote it.
    pub(crate) time: Option<String>,
    /// The fidelity last seen.
    pub(crate) fidelity: Option<f64>,
    /// The metrics whose newest value rotation may have taken: nothing has named them since a line that was read was not there any more.
    pub(crate) missing: BTreeSet<String>,
}

impl Place {
    /// The place that a cursor remembers.
    pub(crate) fn of(cursor: Option<&LogCursor>) -> Self {
        cursor.map_or_else(Self::default, |c| Self {
            time: c.time.clone(),
            fidelity: c.fidelity.as_deref().and_then(number::parse),
            missing: c.missing.iter().cloned().collect(),
        })
    }

    /// Something was read behind it.
    fn named(&mut self, reports: &[Report]) {
        for report in reports {
            self.missing.remove(&report.metric);
        }
    }

    /// The time from which to ask for the log.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        self.time.as_deref().and_then(|t| t.parse().ok())
    }
}

/// Which metrics a Study reads, and by which key it counts.
pub(crate) fn metrics(study: &Study) -> Metrics {
    let log = study.spec.trial.metrics.as_ref().and_then(|m| m.log.as_ref());
    Metrics {
        fidelity_key: log.and_then(|l| l.fidelity_key.clone()),
        names: study.spec.metrics().into_iter().collect(),
    }
}

/// Reads a log piece by piece.
#[derive(Debug)]
pub(crate) struct Reading {
    lines_of: Lines,
    parser: Parser,
    skip_to: Option<Timestamp>,
    /// What is read, until the line at which reading began again was seen, or one behind it: then rotation took that line, and
    /// what came behind it perhaps.
    unseen: Option<BTreeSet<String>>,
    /// What was read and not yet taken.
    pub(crate) reports: Vec<Report>,
    /// How far everything read is in `reports` or was taken.
    pub(crate) place: Place,
    /// Lines that had something which looked like a value and was refused.
    pub(crate) rejected: u64,
    /// Lines that were new.
    pub(crate) lines: u64,
    /// Reports found in them.
    pub(crate) reported: u64,
    /// Bytes read.
    pub(crate) bytes: u64,
}

impl Reading {
    /// A reading that goes on from a place. The API is asked for a log from a second earlier, so lines up to the place are skipped here.
    pub(crate) fn from(metrics: &Metrics, place: Place) -> Self {
        let memory = Memory { fidelity: place.fidelity, ..Memory::default() };
        Self {
            lines_of: Lines::stamped(),
            parser: Parser::recall(metrics, memory),
            skip_to: place.since(),
            unseen: place.time.is_some().then(|| metrics.names.clone()),
            reports: Vec::new(),
            place,
            rejected: 0,
            lines: 0,
            reported: 0,
            bytes: 0,
        }
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        self.through(|lines, take| lines.push(chunk, take));
    }

    /// The bytes are at their end. With `ended`, the log is too, and nothing is held back any more; else a line without its end is read again.
    pub(crate) fn finish(&mut self, ended: bool) {
        if ended {
            self.through(|lines, take| lines.finish(take));
            let last = self.parser.finish().reports;
            self.reported += last.len() as u64;
            self.place.missing.extend(self.unseen.take().into_iter().flatten());
            self.place.named(&last);
            self.reports.extend(last);
        }
    }

    fn through(&mut self, give: impl FnOnce(&mut Lines, &mut dyn FnMut(Line<'_>))) {
        let Self { lines_of, parser, skip_to, unseen, reports, place, rejected, lines, reported, .. } = self;
        give(lines_of, &mut |line| {
            let time: Option<Timestamp> = line.time.and_then(|t| t.parse().ok());
            if let (Some(time), Some(skip_to)) = (time, *skip_to)
                && time <= skip_to
            {
                *unseen = None;
                return;
            }
            place.missing.extend(unseen.take().into_iter().flatten());
            let said = parser.parse(line.text);
            *lines += 1;
            *rejected += said.rejected.len() as u64;
            *reported += said.reports.len() as u64;
            place.named(&said.reports);
            reports.extend(said.reports);
            let memory = parser.memory();
            // While a progress bar holds something back, a reader that begins again must see that line once more.
            if memory.pending.is_empty() {
                if let Some(time) = line.time {
                    place.time = Some(time.to_owned());
                }
                place.fidelity = memory.fidelity;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        Metrics { fidelity_key: None, names: ["acc", "loss"].map(str::to_owned).into() }
    }

    /// What is read from this place on, where the log has these lines and more may come.
    fn read(place: Place, log: &str) -> Reading {
        let mut reading = Reading::from(&metrics(), place);
        reading.push(log.as_bytes());
        reading.finish(false);
        reading
    }

    /// The place behind the line of `12:00:02.5`.
    fn place() -> Place {
        Place { time: Some("2026-11-22T12:00:02.5Z".to_owned()), fidelity: Some(2.0), ..Place::default() }
    }

    const KNOWN: &str = "2026-11-22T12:00:02.5Z epoch=2 loss=0.5 acc=0.1\n";
    const NOISE: &str = "2026-11-22T12:00:03Z saving\n";
    const LOSS: &str = "2026-11-22T12:00:04Z epoch=3 loss=0.4\n";
    const ACC: &str = "2026-11-22T12:00:05Z acc=0.2\n";

    #[test]
    fn what_rotation_may_have_taken_is_missing_until_the_log_names_it_again() {
        for (lines, missing) in [
            (&[][..], &[][..]),
            (&[KNOWN], &[]),
            (&[KNOWN, NOISE, LOSS], &[]),
            (&[NOISE], &["acc", "loss"]),
            (&[LOSS], &["acc"]),
            (&[NOISE, ACC], &["loss"]),
            (&[LOSS, ACC], &[]),
        ] {
            let reading = read(place(), &lines.concat());
            assert!(reading.place.missing.iter().eq(missing), "{lines:?}: {:?}", reading.place);
        }
    }

    #[test]
    fn what_is_missing_is_still_missing_when_reading_goes_on() {
        let after = read(place(), NOISE).place;
        assert_eq!(read(after.clone(), &[NOISE, LOSS].concat()).place.missing, ["acc".to_owned()].into());
        let cursor = LogCursor {
            pod_uid: "uid".to_owned(),
            container: "train".to_owned(),
            time: after.time.clone(),
            fidelity: after.fidelity.map(number::to_text),
            missing: after.missing.iter().cloned().collect(),
            ended: false,
        };
        assert_eq!(Place::of(Some(&cursor)), after);
    }

    #[test]
    fn log_that_has_ended_without_the_line_that_was_read_last_misses_everything() {
        let mut reading = read(place(), "");
        reading.finish(true);
        assert_eq!(reading.place.missing.len(), 2);
    }

    #[test]
    fn a_log_that_is_read_from_its_beginning_misses_nothing() {
        let mut reading = read(Place::default(), NOISE);
        reading.finish(true);
        assert!(reading.place.missing.is_empty());
    }
}
