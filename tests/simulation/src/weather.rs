//! How slow and how faulty the world is, drawn once from the seed: a fair day, a storm, or anything between.

use crate::clock::{MINUTE, Millis, SECOND};
use crate::dice::Dice;
use crate::resource::Resource;

/// Delays and probabilities of faults.
#[derive(Clone, Debug)]
pub struct Weather {
    /// The mean lag of the cluster's own controllers and kubelets.
    pub lag: Millis,
    /// The mean time a request takes.
    pub request: Millis,
    /// The mean lag of a watch, by kind: they differ, so that caches of different kinds are of different age.
    pub watch: [(Resource, Millis); 4],
    /// A refusal before anything is done: 429, 500, 503.
    pub refused: f64,
    /// The write is done and its answer lost.
    pub lost: f64,
    /// Somebody else writes the object just before.
    pub overtaken: f64,
    /// The operator dies before or after a write.
    pub crash: f64,
    /// A watch is interrupted and begins again with a list.
    pub relist: f64,
    /// Several events of a watch arrive at once.
    pub coalesced: f64,
    /// A reading of a log fails.
    pub log: f64,
    /// The mean time between mishaps of nodes and pods; 0 for none.
    pub mishap: Millis,
    /// Whether faults still happen.
    pub stormy: bool,
    dice: Dice,
}

impl Weather {
    /// The weather of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "weather");
        let often =
            |dice: &mut Dice, worst: f64| if dice.chance(0.5) { 0.0 } else { worst * dice.unit() * dice.unit() };
        let slow = |dice: &mut Dice, choices: &[Millis]| dice.pick(choices).copied().unwrap_or(10);
        let lags = [5, 20, 20, 100, 500, 3 * SECOND];
        let watch = [Resource::Study, Resource::Trial, Resource::Job, Resource::Pod]
            .map(|r| (r, slow(&mut dice, &[5, 10, 50, 50, 300, 2 * SECOND, 20 * SECOND])));
        Self {
            lag: slow(&mut dice, &lags),
            request: slow(&mut dice, &[3, 5, 5, 20, 100, SECOND]),
            watch,
            refused: often(&mut dice, 0.3),
            lost: often(&mut dice, 0.2),
            overtaken: often(&mut dice, 0.1),
            crash: often(&mut dice, 0.05),
            relist: often(&mut dice, 0.05),
            coalesced: often(&mut dice, 0.8),
            log: often(&mut dice, 0.4),
            mishap: if dice.chance(0.5) { 0 } else { slow(&mut dice, &[MINUTE, 5 * MINUTE, 20 * MINUTE]) },
            stormy: true,
            dice,
        }
    }

    /// A day without faults or delays worth the name.
    #[must_use]
    pub fn fair() -> Self {
        let watch = [Resource::Study, Resource::Trial, Resource::Job, Resource::Pod].map(|r| (r, 5));
        Self {
            lag: 5,
            request: 3,
            watch,
            refused: 0.0,
            lost: 0.0,
            overtaken: 0.0,
            crash: 0.0,
            relist: 0.0,
            coalesced: 0.0,
            log: 0.0,
            mishap: 0,
            stormy: false,
            dice: Dice::new(0, "fair"),
        }
    }

    /// Faults end. Delays stay, within reason.
    pub fn calm(&mut self) {
        let watch = self.watch.map(|(r, lag)| (r, lag.min(SECOND)));
        let (lag, request) = (self.lag.min(100), self.request.min(20));
        *self = Self { lag, request, watch, dice: self.dice.clone(), ..Self::fair() };
    }

    /// A time around a mean: mostly near it, now and then far above.
    pub fn around(&mut self, mean: Millis) -> Millis {
        let tail = if self.stormy && self.dice.chance(0.01) { 20 } else { 1 };
        1 + self.dice.below(2 * mean * tail + 1)
    }

    /// A lag of the cluster's own components.
    pub fn lag(&mut self) -> Millis {
        self.around(self.lag)
    }

    /// A lag of a watch.
    pub fn watch(&mut self, resource: Resource) -> Millis {
        let mean = self.watch.iter().find(|(r, _)| *r == resource).map_or(10, |(_, lag)| *lag);
        self.around(mean)
    }

    /// Whether a fault of this probability happens now.
    pub fn strikes(&mut self, probability: f64) -> bool {
        self.stormy && probability > 0.0 && self.dice.chance(probability)
    }

    /// Chance for whatever else the weather decides.
    pub fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }
}
