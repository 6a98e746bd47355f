//! CMA-ES with margin, for numbers and choices together, with restarts.
//!
//! The state is a fold over the trials as their results are admitted: [`Memory`] is told of each start and each settled
//! trial. A trial's latent vector, generation and restart stand in its tag, so that nothing has to be guessed later. Every
//! `lambda` settled trials make a population, wherever they come from: those drawn from an older distribution, and those
//! that another sampler or the user proposed, are injected. So no result is waited for, and none is wasted. The best of what is
//! known before the first draw, trials of an earlier study included, is where the search begins.
//!
//! A parameter that does not exist in a trial keeps its latent coordinate: selection does not see it, and it drifts.

mod choices;
mod gaussian;
mod latent;
mod margin;
mod matrix;

use std::collections::BTreeSet;

use choices::Choices;
use gaussian::{Gaussian, Member, recombination};

use super::finite::is_new;
use super::ranking::{Standing, standing};
use super::{Proposal, random};
use crate::history::Note;
use crate::plan::{Plan, Sampler};
use crate::random::{Purpose, Stream};
use crate::space::Domain;
use crate::state::{State, Trial};

pub(super) const NAME: &str = "cmaEs";

/// The sizes of population that a Study may ask for.
pub const POPULATION: std::ops::RangeInclusive<u32> = 4..=1_000;

/// From this many numbers on, only variances are learned: correlations of so many would take thousands of trials.
const SEPARABLE_FROM: usize = 25;

/// The first step size, in unit intervals: a sixth, so that three deviations reach the ends from the centre.
const SIGMA: f64 = 1.0 / 6.0;

/// Below this deviation, in unit intervals, a search on a continuum has ended.
const FINEST: f64 = 1e-10;

/// Values of populations' best that differ by less are the same.
const FLAT: f64 = 1e-12;

/// The largest population that doubling at restarts leads to.
const MAX_POPULATION: usize = 1_000;

/// How often a point is drawn again that lies outside, exists already, or that a constraint refuses.
const REDRAWS: usize = 64;

/// A settled trial.
#[derive(Clone, Debug)]
struct Sample {
    standing: Standing,
    value: Option<f64>,
    point: Vec<f64>,
    chosen: Vec<Option<usize>>,
    is_injected: bool,
}

/// The search as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// The positions of the parameters that are numbers and can vary, and of those that are choices.
    numbers: Vec<usize>,
    categories: Vec<usize>,
    gaussian: Gaussian,
    choices: Choices,
    population: usize,
    generation: u32,
    restart: u32,
    /// Whether a trial was drawn: before that, the best known point is where the search begins.
    has_begun: bool,
    best_known: Option<Standing>,
    settled: BTreeSet<u32>,
    waiting: Vec<Sample>,
    /// The best value of each population since the last restart; absent where none was usable.
    bests: Vec<Option<f64>>,
}

impl Memory {
    /// The state before the first trial.
    pub(super) fn new(plan: &Plan) -> Self {
        let parameters = &plan.spec().space.parameters;
        let varies = |&at: &usize| parameters.get(at).is_some_and(|p| p.domain.count() != Some(1));
        let is_choice =
            |&at: &usize| parameters.get(at).is_some_and(|p| matches!(p.domain, Domain::Categorical { .. }));
        let (categories, numbers): (Vec<usize>, Vec<usize>) = (0..parameters.len()).filter(varies).partition(is_choice);
        let asked = match plan.spec().sampler {
            Sampler::CmaEs { population } => population,
            _ => None,
        };
        let all = numbers.len() + categories.len();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 64 parameters"
        )]
        let usual = 4 + (3.0 * libm::log(all.max(1) as f64)) as usize;
        let mut memory = Self {
            gaussian: Gaussian::new(vec![0.5; numbers.len()], SIGMA, numbers.len() >= SEPARABLE_FROM),
            choices: Choices::new(&[]),
            numbers,
            categories,
            population: asked.map_or(usual, |asked| asked as usize),
            generation: 0,
            restart: 0,
            has_begun: false,
            best_known: None,
            settled: BTreeSet::new(),
            waiting: Vec::new(),
            bests: Vec::new(),
        };
        memory.begin(plan, vec![0.5; memory.numbers.len()]);
        memory
    }

    fn begin(&mut self, plan: &Plan, mean: Vec<f64>) {
        let parameters = &plan.spec().space.parameters;
        let counts = self.categories.iter().filter_map(|&at| parameters.get(at)?.domain.count());
        let counts: Vec<usize> = counts.map(|count| usize::try_from(count).unwrap_or(1)).collect();
        self.gaussian = Gaussian::new(mean, SIGMA, self.numbers.len() >= SEPARABLE_FROM);
        self.choices = Choices::new(&counts);
        self.bests.clear();
        self.waiting.clear();
    }

    /// The trial at this place of the evidence was started, or something became known of it.
    pub(super) fn learned(&mut self, plan: &Plan, place: u32, trial: &Trial<'_>) {
        let Some(parameters) = trial.parameters.as_deref() else { return };
        let tag = trial.note.tag.as_deref().and_then(|text| self.read(text)).filter(|_| trial.sampler == NAME);
        self.has_begun |= tag.is_some();
        // A run that went through rungs which have not judged it yet is settled by their judgement: it is learnt from once.
        let top = plan.top_level();
        let is_settled = trial.ended.is_some() || (trial.rested == Some(top) && trial.evidence_level(plan) == top);
        if !is_settled || !self.settled.insert(place) {
            return;
        }
        // The infrastructure's failures say nothing, and a search that was given up does not come back.
        let Some((standing, value)) = standing(plan, place, trial) else { return };
        if tag.as_ref().is_some_and(|tag| tag.restart != self.restart) {
            return;
        }
        let chosen = self.chosen(plan, parameters);
        let is_injected = tag.as_ref().is_none_or(|tag| tag.generation != self.generation);
        let is_known = tag.is_none();
        let point = tag.map_or_else(|| self.point(plan, parameters), |tag| tag.point);
        if !self.has_begun && is_known {
            if standing.is_usable() && self.best_known.is_none_or(|best| standing < best) {
                self.best_known = Some(standing);
                self.begin(plan, point);
                self.choices.lean(&chosen);
            }
            return;
        }
        self.waiting.push(Sample { standing, value, point, chosen, is_injected });
        if self.waiting.len() >= self.population {
            self.evolve(plan);
        }
    }

    /// Learns from the waiting trials, and starts again where nothing is left to find.
    fn evolve(&mut self, plan: &Plan) {
        let mut population = std::mem::take(&mut self.waiting);
        population.sort_by_key(|sample| sample.standing);
        self.generation = self.generation.saturating_add(1);
        let usable = population.iter().filter(|sample| sample.standing.is_usable()).count();
        let best = population.first().and_then(|sample| sample.value);
        self.bests.push(best);
        if usable > 0 {
            let members: Vec<Member<'_>> = population
                .iter()
                .map(|sample| Member { point: &sample.point, is_injected: sample.is_injected })
                .collect();
            self.gaussian.update(&members);
            let weights = recombination(population.len());
            let chosen: Vec<(f64, &[Option<usize>])> = weights
                .into_iter()
                .zip(&population)
                .map(|(weight, sample)| (weight, sample.chosen.as_slice()))
                .collect();
            self.choices.update(&chosen);
        }
        let all = &plan.spec().space.parameters;
        #[expect(clippy::cast_precision_loss, reason = "populations and spaces are small")]
        let least = 1.0 / ((self.numbers.len() + self.categories.len()).max(1) * population.len().max(2)) as f64;
        for (coordinate, parameter) in self.numbers.iter().filter_map(|&at| all.get(at)).enumerate() {
            margin::correct(&mut self.gaussian, coordinate, &parameter.domain, least);
        }
        if self.is_done(plan, &population) {
            self.start_again(plan);
        }
    }

    /// Whether this search has come to its end: too fine, too wide, too long a valley, or nothing changes any more.
    fn is_done(&self, plan: &Plan, population: &[Sample]) -> bool {
        let all = &plan.spec().space.parameters;
        let is_continuum = |at: usize| all.get(at).is_some_and(|parameter| parameter.domain.count().is_none());
        let mut continuous = self.numbers.iter().enumerate().filter(|(_, at)| is_continuum(**at)).peekable();
        let is_fine = continuous.peek().is_some() && continuous.all(|(i, _)| self.gaussian.deviation(i) < FINEST);
        let widest = (0..self.numbers.len()).map(|at| self.gaussian.deviation(at)).fold(0.0, f64::max);
        let window = 10 + (30 * self.numbers.len().max(1)).div_ceil(self.population);
        let is_flat = self.bests.len() >= window && {
            let recent = self.bests.iter().rev().take(window).copied();
            let values: Option<Vec<f64>> = recent.chain(population.iter().map(|sample| sample.value)).collect();
            // Where all fail there is as little to find as where all are equal.
            let spread = |values: Vec<f64>| {
                let low = values.iter().copied().fold(f64::INFINITY, f64::min);
                let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                high - low
            };
            let all_failed = self.bests.iter().rev().take(window).all(Option::is_none);
            values.map_or(all_failed, |values| spread(values) < FLAT)
        };
        is_fine || is_flat || widest > 1e4 || self.gaussian.condition() > 1e14
    }

    /// Begins at a random place with twice the population (IPOP: Auger and Hansen, CEC 2005).
    fn start_again(&mut self, plan: &Plan) {
        self.restart = self.restart.saturating_add(1);
        self.population = (2 * self.population).min(MAX_POPULATION.max(self.population));
        let mut stream = Stream::new(plan.spec().seed, Purpose::Restart, u64::from(self.restart));
        let mean = self.numbers.iter().map(|_| stream.uniform()).collect();
        self.begin(plan, mean);
    }
}

pub(super) fn propose(plan: &Plan, state: &State<'_>, memory: &Memory, number: u32) -> Option<Proposal> {
    let mut stream = Stream::new(plan.spec().seed, Purpose::Parameters, u64::from(number));
    for _ in 0..=REDRAWS {
        let (point, assignment) = memory.draw(plan, &mut stream);
        if is_new(plan, state, &assignment) {
            let note = Note { tag: Some(memory.tag(&point)), ..Note::default() };
            return Some(Proposal { assignment, sampler: NAME, note });
        }
    }
    Proposal::fallback(random::propose(plan, state, number)?, NAME, random::NAME)
}

#[cfg(test)]
mod tests;
