//! What the operator keeps of a Study between two looks, so that a decision costs what is new and not what the Study has become.
//!
//! What it must keep true: whatever is read here is what the log says. So it is no more than a memo: it can be lost at any time, by a
//! restart or because there is no room, and everything is then put together from the objects again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use trimtab_api::Trial;
use trimtab_api::history::{self, Kept};
use trimtab_engine::{Held, History, Plan};

use super::observe::Seen;

/// How many Trials all books together tell of at most. The newest book is kept whatever it tells of.
const MOST: usize = 200_000;

/// Which Studies have a book that is kept.
#[derive(Clone, Copy, Debug)]
pub struct Books {
    /// Those with at least so many Trials. A smaller one is folded faster than it is worth keeping.
    pub from: usize,
    /// Whether each book is compared with the objects whenever it is opened. For tests: it costs what the book saves.
    pub checks: bool,
}

impl Default for Books {
    fn default() -> Self {
        Self { from: 32, checks: false }
    }
}

/// A Study's history, and the engine's state of it.
#[derive(Debug)]
pub(crate) struct Book {
    kept: Kept,
    pub(crate) held: Held,
}

impl Book {
    /// Opens the book of a Study where it is now. `kept` is the one of an earlier look.
    fn open(kept: Option<Self>, plan: &Arc<Plan>, seen: &Seen) -> Self {
        let Some(Self { mut kept, held }) = kept else {
            let kept = Kept::new(plan, &seen.study, &seen.trials);
            let held = Held::new(plan, kept.history());
            return Self { kept, held };
        };
        let went_on = kept.look(plan, &seen.study, &seen.trials);
        let held = if went_on { held } else { Held::new(plan, kept.history()) };
        Self { kept, held }
    }

    /// Takes in what is new, with what has been used by now.
    pub(crate) fn learn(&mut self, plan: &Plan, active_seconds: u64, resource_hours: Vec<(String, f64)>) {
        let history = self.kept.history_mut();
        history.active_seconds = active_seconds;
        history.resource_hours = resource_hours;
        self.held.learn(plan, self.kept.history());
    }

    pub(crate) fn history(&self) -> &History {
        self.kept.history()
    }

    /// The next batch.
    pub(crate) fn decide(&mut self, plan: &Plan) -> trimtab_engine::Decision {
        self.held.decide(plan, self.kept.history())
    }

    /// How many Trials it tells of.
    fn size(&self) -> usize {
        self.kept.trials()
    }

    /// Whether the book says what the objects say.
    fn is_true(&self, plan: &Plan, seen: &Seen) -> bool {
        let all: Vec<&Trial> = seen.trials.values().map(|trial| &**trial).collect();
        let mut truth = history::history(plan, &seen.study, &all, self.history().active_seconds);
        truth.resource_hours.clone_from(&self.history().resource_hours);
        let mut held = self.held.clone();
        truth == *self.history() && held.decide(plan, &truth) == trimtab_engine::decide(plan, &truth)
    }
}

/// The books of all Studies that go on.
#[derive(Debug)]
pub struct Shelf {
    most: usize,
    places: Mutex<Places>,
    wrong: AtomicU64,
}

impl Default for Shelf {
    fn default() -> Self {
        Self::of(MOST)
    }
}

#[derive(Debug, Default)]
struct Places {
    /// By the UID of the Study, with the turn in which it was put there.
    books: BTreeMap<String, (u64, Book)>,
    turn: u64,
}

impl Shelf {
    /// A shelf whose books tell of so many Trials at most.
    pub(crate) fn of(most: usize) -> Self {
        Self { most, places: Mutex::default(), wrong: AtomicU64::new(0) }
    }

    /// A Study's book, opened where the Study is now; none where its fields make no plan. Nobody else looks at the same Study
    /// meanwhile. With `checks` it is compared with the objects.
    pub(crate) fn open(&self, seen: &Seen, checks: bool) -> Option<Book> {
        let kept = self.take(&seen.uid);
        let plan = seen.plan.as_ref().ok()?;
        let book = Book::open(kept, plan, seen);
        if checks && !book.is_true(plan, seen) {
            self.wrong.fetch_add(1, Ordering::Relaxed);
        }
        Some(book)
    }

    /// Takes a Study's book out.
    pub(crate) fn take(&self, uid: &str) -> Option<Book> {
        Some(self.places.lock().unwrap_or_else(PoisonError::into_inner).books.remove(uid)?.1)
    }

    /// Puts it back. Now and then those of Studies that are not among the living go: no reconcile tells of a deletion that nothing held
    /// back.
    pub(crate) fn put(&self, uid: &str, book: Book, living: impl Fn() -> BTreeSet<String>) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.turn += 1;
        let turn = places.turn;
        places.books.insert(uid.to_owned(), (turn, book));
        if turn.is_multiple_of(16) {
            let living = living();
            places.books.retain(|uid, _| living.contains(uid));
        }
        let mut told: usize = places.books.values().map(|(_, book)| book.size()).sum();
        while told > self.most
            && let Some((uid, size)) = places.oldest(turn)
        {
            told -= size;
            places.books.remove(&uid);
        }
    }

    /// How many checks ([`Books::checks`]) found a book that did not say what the objects say: none, or there is a defect.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        self.wrong.load(Ordering::Relaxed)
    }
}

impl Places {
    /// The book that was put here before all others and before this turn, and how many Trials it tells of.
    fn oldest(&self, turn: u64) -> Option<(String, usize)> {
        let (uid, (put, book)) = self.books.iter().min_by_key(|(_, (put, _))| *put)?;
        (*put < turn).then(|| (uid.clone(), book.size()))
    }
}
