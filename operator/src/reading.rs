//! Turns the bytes of a pod's log into reports, from a cursor on. Used by whoever reads: the poll and the follower.

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
}

impl Place {
    /// The place that a cursor remembers.
    pub(crate) fn of(cursor: Option<&LogCursor>) -> Self {
        cursor.map_or_else(Self::default, |c| Self {
            time: c.time.clone(),
            fidelity: c.fidelity.as_deref().and_then(number::parse),
        })
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
    /// Whether the line at which reading began again was not there any more: rotation took it, and what came behind it perhaps.
    pub(crate) has_gap: bool,
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
            has_gap: place.time.is_some(),
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

    /// The bytes are at their end. With `ended`, the log is too, and nothing is held back any more.
    pub(crate) fn finish(&mut self, ended: bool) {
        self.through(|lines, take| lines.finish(take));
        if ended {
            let last = self.parser.finish().reports;
            self.reported += last.len() as u64;
            self.reports.extend(last);
        }
    }

    fn through(&mut self, give: impl FnOnce(&mut Lines, &mut dyn FnMut(Line<'_>))) {
        let Self { lines_of, parser, skip_to, has_gap, reports, place, rejected, lines, reported, .. } = self;
        give(lines_of, &mut |line| {
            let time: Option<Timestamp> = line.time.and_then(|t| t.parse().ok());
            if let (Some(time), Some(skip_to)) = (time, *skip_to)
                && time <= skip_to
            {
                *has_gap = false;
                return;
            }
            let said = parser.parse(line.text);
            *lines += 1;
            *rejected += said.rejected.len() as u64;
            *reported += said.reports.len() as u64;
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

    /// What is read from `12:00:02` on, where the log has these lines.
    fn read(log: &str) -> Reading {
        let metrics = Metrics { fidelity_key: None, names: ["loss".to_owned()].into() };
        let place = Place { time: Some("2026-11-22T12:00:02.5Z".to_owned()), fidelity: Some(2.0) };
        let mut reading = Reading::from(&metrics, place);
        reading.push(log.as_bytes());
        reading.finish(true);
        reading
    }

    #[test]
    fn line_read_last_is_missed_where_rotation_took_it() {
        let known = "2026-11-22T12:00:02.5Z epoch=2 loss=0.5\n";
        let new = "2026-11-22T12:00:03Z epoch=3 loss=0.4\n";
        for (log, has_gap, reports) in
            [("", true, 0), (known, false, 0), (new, true, 1), (&format!("{known}{new}"), false, 1)]
        {
            let reading = read(log);
            assert_eq!((reading.has_gap, reading.reports.len()), (has_gap, reports), "{log}");
        }
    }

    #[test]
    fn a_log_that_is_read_from_its_beginning_misses_nothing() {
        let reading = Reading::from(&Metrics { fidelity_key: None, names: Default::default() }, Place::default());
        assert!(!reading.has_gap);
    }
}
