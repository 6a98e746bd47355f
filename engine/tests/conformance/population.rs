//! What a population may do, by the definition and the ledger.

use trimtab_engine::{Action, Exploit, Plan, Reason, Scheduler};

use crate::laws::{Ledger, Line, key};

fn birth(line: &Line) -> usize {
    line.from.map_or(0, |(_, level)| level + 1)
}

/// Those that came to a level.
fn members(ledger: &Ledger, level: usize) -> Vec<(u32, &Line)> {
    let came = |line: &Line| birth(line) == level || birth(line) < level && line.cleared >= level.checked_sub(1);
    ledger.iter().filter(|(_, line)| came(line)).map(|(number, line)| (*number, line)).collect()
}

/// Those of them that have a number there, the best first.
fn ranked(plan: &Plan, ledger: &Ledger, level: usize) -> Vec<((f64, f64), u32)> {
    let own =
        |(number, line): (u32, &Line)| Some((key(plan, line, level).filter(|_| line.rested >= Some(level))?, number));
    let mut ranked: Vec<_> = members(ledger, level).into_iter().filter_map(own).collect();
    ranked.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    ranked
}

fn share(members: usize, percent: u32) -> usize {
    (members * percent as usize / 100).max(1).min(members / 2)
}

/// Those that truncation copies: the best share of those that rested there, without those that it stops.
fn donors(plan: &Plan, ledger: &Ledger, level: usize, percent: u32) -> Vec<u32> {
    let (all, ranked) = (members(ledger, level).len(), ranked(plan, ledger, level));
    let lose = share(all, percent).saturating_sub(all - ranked.len());
    let stay = ranked[..ranked.len() - lose].iter().map(|(_, number)| *number);
    stay.filter(|number| ledger[number].rests.contains(&level)).take(share(all, percent)).collect()
}

/// Nobody is judged before all have arrived, who loses is worse than who stays, and a copy is of somebody who was good enough, from
/// where that one rested, into a generation with a place for it.
pub(crate) fn check(plan: &Plan, ledger: &Ledger, next: u32, action: &Action, name: &str) {
    let Scheduler::PopulationBased { population, exploit, .. } = plan.spec().scheduler else { return };
    match action {
        Action::Start { level: 0, from: None, .. } => {
            let first = members(ledger, 0);
            assert!(first.len() < population as usize, "{name}: {action:?} is one too many");
            let is_judged = |line: &Line| line.stop || line.cleared.is_some();
            assert!(!first.iter().any(|(_, line)| is_judged(line)), "{name}: {action:?} comes after the judgement");
        }
        Action::Start { level, from, note, .. } => {
            let from = from.expect("only the first generation begins from zero");
            let (donor, below) = (from.donor.0, from.level);
            assert_eq!((*level, note.parents.as_slice()), (below + 1, &[from.donor][..]), "{name}: {action:?}");
            let coming = |line: &Line| line.cleared < Some(below) && !line.stop && line.ended.is_none();
            let source = members(ledger, below);
            let waiting = source.iter().filter(|(_, line)| coming(line));
            assert!(waiting.clone().all(|(_, line)| key(plan, line, below).is_some()), "{name}: {action:?} is early");
            let count = members(ledger, *level).len() + waiting.count();
            assert!(count < population as usize, "{name}: {action:?} is one too many");
            let ranked = ranked(plan, ledger, below);
            let place = ranked.iter().position(|(_, number)| *number == donor).expect("a donor with a number");
            if let Exploit::Truncation { percent } = exploit {
                let best = donors(plan, ledger, below, percent);
                assert!(best.contains(&donor), "{name}: {action:?} is of the one at {place}, and not of {best:?}");
            }
            let tag = note.tag.as_deref().unwrap_or_default();
            if let Some(replaced) = tag.strip_prefix("replaces ").and_then(|number| number.parse::<u32>().ok()) {
                let line = source.iter().find(|(number, _)| *number == replaced).expect("a member").1;
                assert!(line.cleared < Some(below) && !coming(line), "{name}: {action:?} replaces who goes on");
                let beaten = ranked.iter().position(|(_, number)| *number == replaced);
                assert!(beaten.is_none_or(|beaten| beaten > place), "{name}: {action:?} is worse");
            }
        }
        Action::Stop { reason: Reason::NotFinite, .. } => {}
        Action::Stop { compared, .. } | Action::Continue { compared, .. } => {
            let compared = compared.expect("a comparison");
            let all = members(ledger, compared.level);
            let is_known = |line: &Line| {
                line.stop
                    || line.ended.is_some()
                    || line.values.contains_key(&compared.level) && line.rested >= Some(compared.level)
            };
            assert!(all.iter().all(|(_, line)| is_known(line)), "{name}: {action:?} is judged before all have arrived");
            let ranked = ranked(plan, ledger, compared.level);
            let number = action.number().0;
            let place = ranked.iter().position(|(_, other)| *other == number).expect("a number");
            let Exploit::Truncation { percent } = exploit else {
                let is_worst = place + 1 == ranked.len();
                let is_spared = compared.of == 1 || ties(&ranked, place);
                assert!(compared.of <= 2 && (compared.rank == 2 || !is_worst || is_spared), "{name}: {action:?}");
                return;
            };
            let has_donors = !donors(plan, ledger, compared.level, percent).is_empty();
            let limit = plan.settings().limits.trials.unwrap_or(u32::MAX);
            let born = ledger.values().filter(|line| birth(line) == compared.level + 1).count();
            let room = (limit.saturating_sub(next) as usize).saturating_add(born);
            // Who has no number, and who ended before it was judged, takes a copy's place first.
            let empty = all.len() - ranked.len();
            let is_gone = |number: u32| {
                let line = &ledger[&number];
                line.ended.is_some() && !line.stop && line.cleared < Some(compared.level)
            };
            let gone = ranked.iter().filter(|(_, number)| is_gone(*number)).count();
            let left = room.saturating_sub(empty + gone);
            let mut worst = share(all.len(), percent).saturating_sub(empty);
            let are_alive =
                |worst: usize| ranked[ranked.len() - worst..].iter().filter(|(_, number)| !is_gone(*number)).count();
            while are_alive(worst) > left {
                worst -= 1;
            }
            let kept = ranked.len() - if has_donors { worst } else { 0 };
            let found = (compared.rank as usize, compared.kept as usize, compared.of as usize);
            assert_eq!(found, (place + 1, kept, all.len()), "{name}: {action:?}");
        }
    }
}

/// Whether a member has the same value as another one.
fn ties(ranked: &[((f64, f64), u32)], place: usize) -> bool {
    ranked.iter().enumerate().any(|(at, (key, _))| at != place && *key == ranked[place].0)
}
