//! A space in numbers: one coordinate in the unit interval for each parameter.
//!
//! A coordinate is always that of a value which the parameter can take, so that a model never sees, and an acquisition
//! never rates, what no trial could run with: whole numbers, steps and ordinals lie in the middle of their equal shares (on
//! their logarithm where the scale says so), and a choice's coordinate only tells it from the others.

use crate::random::Stream;
use crate::space::{Assignment, Domain, Space};

/// One coordinate for each parameter, in the order of the space; [`INACTIVE`] where the parameter does not exist.
pub(in crate::samplers) type Point = Vec<f64>;

/// The coordinate of a parameter that does not exist beside the others.
const INACTIVE: f64 = -1.0;

/// Whether a coordinate is that of a parameter which exists.
pub(in crate::samplers) fn is_active(coordinate: f64) -> bool {
    coordinate >= 0.0
}

/// How a parameter's coordinates differ from one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::samplers) enum Kind {
    /// It has one value: no model needs it.
    Fixed,
    /// Any number of the interval.
    Continuous,
    /// So many places in a meaningful order; `u64::MAX` when there are more.
    Ordered(u64),
    /// So many names without an order.
    Named(u64),
}

/// A parameter as a coordinate.
#[derive(Clone, Debug)]
pub(in crate::samplers) struct Axis<'p> {
    pub(in crate::samplers) kind: Kind,
    domain: &'p Domain,
    name: &'p str,
    /// Parents by position, with their coordinates under which this one exists.
    when: Vec<(usize, Vec<f64>)>,
}

/// The axes of a space.
#[derive(Clone, Debug)]
pub(in crate::samplers) struct Encoding<'p> {
    pub(in crate::samplers) axes: Vec<Axis<'p>>,
}

impl<'p> Encoding<'p> {
    pub(in crate::samplers) fn new(space: &'p Space) -> Self {
        let axis = |parameter: &'p crate::space::Parameter| {
            let when = parameter.when.iter().map(|condition| {
                let at = space.parameters.iter().position(|parent| parent.name == condition.parameter);
                let parent = at.and_then(|at| space.parameters.get(at));
                let coordinate = |text: &String| parent.and_then(|p| p.domain.to_unit(&p.parse(text).ok()?));
                // A parent that is not there satisfies nothing.
                (at.unwrap_or(0), condition.is_in.iter().filter_map(coordinate).collect())
            });
            let kind = match (&parameter.domain, parameter.domain.count()) {
                (_, Some(0 | 1)) => Kind::Fixed,
                (Domain::Float { step: None, .. }, _) => Kind::Continuous,
                (Domain::Categorical { .. }, count) => Kind::Named(count.unwrap_or(u64::MAX)),
                (_, count) => Kind::Ordered(count.unwrap_or(u64::MAX)),
            };
            Axis { kind, domain: &parameter.domain, name: &parameter.name, when: when.collect() }
        };
        Self { axes: space.parameters.iter().map(axis).collect() }
    }

    /// How many axes a model can learn from.
    pub(in crate::samplers) fn dimension(&self) -> usize {
        self.axes.iter().filter(|axis| axis.kind != Kind::Fixed).count()
    }

    /// The point of a configuration; `None` when it is none of this space's.
    pub(in crate::samplers) fn encode(&self, assignment: &Assignment) -> Option<Point> {
        let mut values = assignment.values.iter().peekable();
        let mut point = Vec::with_capacity(self.axes.len());
        for axis in &self.axes {
            let own = values.next_if(|(name, _)| name == axis.name);
            point.push(match own {
                Some((_, value)) => axis.domain.to_unit(value)?,
                None => INACTIVE,
            });
        }
        values.next().is_none().then_some(point)
    }

    /// Moves each coordinate to that of the value whose share it is in, and switches parameters on and off as their
    /// parents want it. What is switched on without a coordinate begins in the middle.
    pub(in crate::samplers) fn settle(&self, point: &mut [f64]) {
        for (at, axis) in self.axes.iter().enumerate() {
            let exists = axis.when.iter().all(|(parent, allowed)| {
                point.get(*parent).is_some_and(|&coordinate| is_active(coordinate) && allowed.contains(&coordinate))
            });
            let Some(coordinate) = point.get_mut(at) else { return };
            *coordinate = match (exists, is_active(*coordinate)) {
                (false, _) => INACTIVE,
                (true, true) => axis.settle(*coordinate),
                (true, false) => axis.settle(0.5),
            };
        }
    }

    /// A point drawn uniformly.
    pub(in crate::samplers) fn draw(&self, stream: &mut Stream) -> Point {
        let mut point: Point = self.axes.iter().map(|_| stream.uniform()).collect();
        self.settle(&mut point);
        point
    }

    /// A point near another: each axis is moved with this chance, numbers by a normal step of this width and names to any
    /// other.
    pub(in crate::samplers) fn near(&self, point: &[f64], chance: f64, width: f64, stream: &mut Stream) -> Point {
        let mut moved = point.to_vec();
        for (coordinate, axis) in moved.iter_mut().zip(&self.axes) {
            // The same number of draws for every axis keeps the axes independent of one another.
            let (dice, fresh, step) = (stream.uniform(), stream.uniform(), super::normal(stream));
            if dice < chance || !is_active(*coordinate) {
                *coordinate = match axis.kind {
                    Kind::Named(_) => fresh,
                    _ if !is_active(*coordinate) => fresh,
                    _ => axis.shifted(*coordinate, width * step),
                };
            }
        }
        self.settle(&mut moved);
        moved
    }
}

impl Axis<'_> {
    /// The coordinate of the value whose share holds this one.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares")]
    pub(in crate::samplers) fn settle(&self, coordinate: f64) -> f64 {
        let u = coordinate.clamp(0.0, 1.0);
        match self.kind {
            Kind::Fixed => 0.5,
            Kind::Continuous => u,
            Kind::Named(count) => ((u * count as f64) as u64).min(count - 1) as f64 / count as f64 + 0.5 / count as f64,
            Kind::Ordered(_) => self.domain.to_unit(&self.domain.at_unit(u)).unwrap_or(0.5),
        }
    }

    /// A coordinate at this distance, reflected at the ends, and at least one place away where there are places.
    pub(in crate::samplers) fn shifted(&self, coordinate: f64, by: f64) -> f64 {
        let mut to = coordinate + by;
        if to < 0.0 {
            to = -to;
        } else if to > 1.0 {
            to = 2.0 - to;
        }
        let settled = self.settle(to);
        if matches!(self.kind, Kind::Ordered(_)) && settled == coordinate {
            self.neighbour(coordinate, by)
        } else {
            settled
        }
    }

    /// The next place in the direction of a number's sign; itself at the end.
    #[expect(clippy::cast_precision_loss, reason = "the place in a huge domain is as exact as it can be")]
    pub(in crate::samplers) fn neighbour(&self, coordinate: f64, direction: f64) -> f64 {
        let value = self.domain.at_unit(coordinate);
        let Some(index) = self.domain.index_of(&value) else {
            return self.settle(coordinate + direction.signum() / u64::MAX as f64);
        };
        let next = if direction < 0.0 { index.saturating_sub(1) } else { index.saturating_add(1) };
        self.domain.to_unit(&self.domain.at(next)).unwrap_or(coordinate)
    }

    /// The coordinates of all names or places, in order, if they are at most so many.
    #[expect(clippy::cast_precision_loss, reason = "they are few")]
    pub(in crate::samplers) fn all(&self, most: u64) -> Option<Vec<f64>> {
        match self.kind {
            Kind::Named(count) => Some((0..count).map(|i| self.settle((i as f64 + 0.5) / count as f64)).collect()),
            Kind::Ordered(count) if count <= most => {
                (0..count).map(|i| self.domain.to_unit(&self.domain.at(i))).collect()
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::parameter;
    use crate::space::{Condition, Scale};

    fn space() -> Space {
        let names = |list: &[&str]| Domain::Categorical { choices: list.iter().map(|&n| n.to_owned()).collect() };
        let mut momentum =
            parameter("momentum", Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear });
        momentum.when = vec![Condition { parameter: "optimizer".to_owned(), is_in: vec!["sgd".to_owned()] }];
        Space {
            parameters: vec![
                parameter("optimizer", names(&["adam", "sgd", "lion"])),
                momentum,
                parameter("width", Domain::Int { min: 16, max: 1024, step: None, scale: Scale::Log }),
                parameter("batch", Domain::Int { min: 16, max: 512, step: Some(16), scale: Scale::Linear }),
                parameter("rate", Domain::Float { min: 1e-5, max: 1e-1, step: None, scale: Scale::Log }),
                parameter("size", Domain::Ordinal { values: vec![32.0, 64.0, 4096.0] }),
                parameter("whole", Domain::Int { min: i64::MIN, max: i64::MAX, step: None, scale: Scale::Linear }),
                parameter("one", Domain::Int { min: 3, max: 3, step: None, scale: Scale::Linear }),
            ],
        }
    }

    #[test]
    fn points_stand_for_configurations_and_come_back() {
        let space = space();
        let encoding = Encoding::new(&space);
        assert_eq!(encoding.dimension(), 7);
        let mut stream = Stream::new(1, crate::random::Purpose::Parameters, 0);
        for _ in 0..2_000 {
            let point = encoding.draw(&mut stream);
            let near = encoding.near(&point, 0.5, 0.1, &mut stream);
            for point in [point, near] {
                let assignment = space.at(&point);
                let back = encoding.encode(&assignment).unwrap();
                assert!(point.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-12), "{point:?} {back:?}");
                assert_eq!(is_active(point[1]), assignment.get("momentum").is_some());
            }
        }
    }

    #[test]
    fn shares_are_even_and_neighbours_differ_by_one() {
        let space = space();
        let encoding = Encoding::new(&space);
        let batch = &encoding.axes[3];
        assert_eq!(batch.all(32).unwrap().len(), 32);
        assert_eq!(batch.all(31), None);
        let first = batch.settle(0.0);
        assert!((first - 0.5 / 32.0).abs() < 1e-12);
        assert_eq!(batch.neighbour(first, -1.0), first);
        assert!((batch.neighbour(first, 1.0) - 1.5 / 32.0).abs() < 1e-12);
        assert!(batch.shifted(first, 1e-9) > first);
        assert_eq!(encoding.axes[0].all(0).unwrap().len(), 3);
    }
}
