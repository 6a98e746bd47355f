//! From latent vectors to configurations and tags, and back.

use super::Memory;
use crate::normal::quantile;
use crate::plan::Plan;
use crate::random::Stream;
use crate::space::Assignment;

/// What a tag says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tag {
    pub(super) generation: u32,
    pub(super) restart: u32,
    pub(super) point: Vec<f64>,
}

impl Memory {
    /// The latent vector of a configuration; the centre's coordinate for what does not exist in it.
    pub(super) fn point(&self, plan: &Plan, parameters: &Assignment) -> Vec<f64> {
        let all = &plan.spec().space.parameters;
        let place = |&at: &usize| {
            let parameter = all.get(at)?;
            parameter.domain.to_unit(parameters.get(&parameter.name)?)
        };
        self.numbers.iter().zip(&self.gaussian.mean).map(|(at, mean)| place(at).unwrap_or(*mean)).collect()
    }

    pub(super) fn chosen(&self, plan: &Plan, parameters: &Assignment) -> Vec<Option<usize>> {
        let all = &plan.spec().space.parameters;
        let choice = |&at: &usize| {
            let parameter = all.get(at)?;
            usize::try_from(parameter.domain.index_of(parameters.get(&parameter.name)?)?).ok()
        };
        self.categories.iter().map(choice).collect()
    }

    pub(super) fn draw(&self, plan: &Plan, stream: &mut Stream) -> (Vec<f64>, Assignment) {
        let space = &plan.spec().space;
        let mut point = Vec::new();
        for _ in 0..10 {
            // The ends of the interval have no finite quantile.
            let normal: Vec<f64> =
                self.numbers.iter().map(|_| quantile(stream.uniform() + f64::EPSILON / 4.0)).collect();
            point = self.gaussian.at(&normal);
            if point.iter().all(|x| (0.0..=1.0).contains(x)) {
                break;
            }
        }
        for x in &mut point {
            // What lies outside is repaired, and what goes on record is exactly what is tried. A coordinate of a whole number is
            // repaired as well: beyond the last value nothing changes, and the step size would grow without end.
            *x = format!("{:.12}", x.clamp(0.0, 1.0)).parse().unwrap_or(0.5);
        }
        let mut assignment = Assignment::default();
        for (at, parameter) in space.parameters.iter().enumerate() {
            let category = self.categories.iter().position(|&category| category == at);
            let choice = category.map(|category| self.choices.at(category, stream.uniform()));
            if space.is_active(parameter, &assignment) {
                let number = self.numbers.iter().position(|&number| number == at).and_then(|i| point.get(i));
                let value = match choice {
                    Some(choice) => parameter.domain.at(choice as u64),
                    None => parameter.domain.at_unit(number.copied().unwrap_or(0.5)),
                };
                assignment.values.push((parameter.name.clone(), value));
            }
        }
        (point, assignment)
    }

    pub(super) fn tag(&self, point: &[f64]) -> String {
        let numbers: Vec<String> = point.iter().map(|x| format!(" {x}")).collect();
        format!("g{} r{}{}", self.generation, self.restart, numbers.concat())
    }

    /// Reads a tag; `None` for what is no tag of this space. What follows a semicolon is somebody else's.
    pub(super) fn read(&self, text: &str) -> Option<Tag> {
        let mut words = text.split(';').next()?.split(' ');
        let generation = words.next()?.strip_prefix('g')?.parse().ok()?;
        let restart = words.next()?.strip_prefix('r')?.parse().ok()?;
        let numbers = words.map(|word| word.parse::<f64>().ok().filter(|x| (0.0..=1.0).contains(x)));
        let point: Vec<f64> = numbers.collect::<Option<_>>()?;
        (point.len() == self.numbers.len()).then_some(Tag { generation, restart, point })
    }
}
