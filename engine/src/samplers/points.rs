//! The configurations of the evidence as numbers, one list of coordinates for each parameter, kept as the fold goes.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "indices are small and not negative, and the position of a huge number is as exact as it can be"
)]

use crate::space::{Assignment, Domain, Scale, Space, Value};

/// A parameter's axis: how its values become coordinates in `0..=1`, and back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    domain: Domain,
    /// What kind of values it has.
    pub(crate) kind: Kind,
    /// Both ends, in the logarithm where the scale is one, whole numbers widened by half a step.
    ends: (f64, f64),
    is_log: bool,
}

/// What kind of values an axis has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any number.
    Continuum,
    /// So many numbers in order, each with its share.
    Steps(u64),
    /// So many names; the coordinate is the index itself.
    Choices(usize),
}

impl Axis {
    pub(crate) fn new(domain: &Domain) -> Self {
        let count = domain.count();
        let kind = match domain {
            Domain::Categorical { choices } => Kind::Choices(choices.len()),
            Domain::Float { step: None, min, max, .. } if min < max => Kind::Continuum,
            _ => Kind::Steps(count.unwrap_or(u64::MAX)),
        };
        let (ends, is_log) = match domain {
            Domain::Float { min, max, scale: Scale::Log, .. } => ((libm::log(*min), libm::log(*max)), true),
            Domain::Int { min, max, scale: Scale::Log, .. } => {
                ((libm::log(*min as f64 - 0.5), libm::log(*max as f64 + 0.5)), true)
            }
            Domain::Float { min, max, .. } => ((*min, *max), false),
            _ => ((0.0, 1.0), false),
        };
        Self { domain: domain.clone(), kind, ends, is_log }
    }

    /// The coordinate of a value: on a linear scale the middle of its share; for a choice its index. NaN for what is no value of the domain.
    pub(crate) fn coordinate(&self, value: &Value) -> f64 {
        let (low, high) = self.ends;
        match (&self.domain, value) {
            (Domain::Categorical { choices }, Value::Choice(name)) => {
                choices.iter().position(|choice| choice == name).map_or(f64::NAN, |index| index as f64)
            }
            (Domain::Float { step: None, .. }, Value::Float(x)) if self.is_log && low < high => {
                ((libm::log(*x) - low) / (high - low)).clamp(0.0, 1.0)
            }
            // Halves, because the range itself may be larger than any double.
            (Domain::Float { step: None, .. }, Value::Float(x)) if low < high => {
                ((x / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)).clamp(0.0, 1.0)
            }
            (Domain::Float { min, step: Some(step), .. }, Value::Float(x)) => self.middle(((x - min) / step).round()),
            (Domain::Int { .. }, Value::Int(x)) if self.is_log => (libm::log(*x as f64) - low) / (high - low),
            (Domain::Int { min, step, .. }, Value::Int(x)) => {
                let step = step.unwrap_or(1).max(1).unsigned_abs();
                self.middle((x.abs_diff(*min) / step) as f64)
            }
            (Domain::Ordinal { values }, Value::Float(x)) => {
                let index = values.partition_point(|value| value < x);
                if values.get(index) == Some(x) { self.middle(index as f64) } else { f64::NAN }
            }
            (Domain::Float { .. }, Value::Float(_)) => 0.5,
            _ => f64::NAN,
        }
    }

    fn middle(&self, index: f64) -> f64 {
        match self.kind {
            Kind::Steps(count) => ((index + 0.5) / count as f64).clamp(0.0, 1.0),
            Kind::Continuum | Kind::Choices(_) => 0.5,
        }
    }

    /// The value at a coordinate.
    pub(crate) fn value(&self, coordinate: f64) -> Value {
        match self.kind {
            Kind::Choices(_) => self.domain.at(coordinate.max(0.0) as u64),
            Kind::Continuum | Kind::Steps(_) => self.domain.at_unit(coordinate),
        }
    }

    /// The value in steps whose share holds this coordinate: its index, where there are few enough to be told apart.
    pub(crate) fn index(&self, coordinate: f64) -> usize {
        match (&self.domain, self.kind) {
            (Domain::Int { min, .. }, _) if self.is_log => (self.whole(coordinate) - *min as f64).max(0.0) as usize,
            (_, Kind::Steps(count)) => ((coordinate * count as f64) as usize).min(count as usize - 1),
            (_, Kind::Continuum | Kind::Choices(_)) => coordinate.max(0.0) as usize,
        }
    }

    /// The coordinate of the value in steps whose share holds this one.
    pub(crate) fn snap(&self, coordinate: f64) -> f64 {
        let coordinate = coordinate.clamp(0.0, 1.0);
        match self.kind {
            Kind::Steps(_) if self.is_log => self.log_place(self.whole(coordinate)),
            Kind::Steps(_) => self.middle(self.index(coordinate) as f64),
            Kind::Continuum | Kind::Choices(_) => coordinate,
        }
    }

    /// The ends of the share of a value in steps that has this coordinate, and its width; of a continuum the point and 0.
    pub(crate) fn share(&self, coordinate: f64) -> (f64, f64, f64) {
        let Kind::Steps(count) = self.kind else { return (coordinate, coordinate, 0.0) };
        if !self.is_log {
            let width = 1.0 / count as f64;
            return (coordinate - width / 2.0, coordinate + width / 2.0, width);
        }
        let x = self.whole(coordinate);
        let (low, high) = (self.log_place(x - 0.5), self.log_place(x + 0.5));
        // Of large numbers the difference of logarithms has no digits left, and the derivative is exact enough.
        let width = if x < 1e6 { high - low } else { 1.0 / (x * (self.ends.1 - self.ends.0)) };
        (low, high, width)
    }

    /// The whole number, on a logarithmic scale, whose share holds this coordinate.
    fn whole(&self, coordinate: f64) -> f64 {
        let (low, high) = self.ends;
        let x = libm::exp(low + coordinate * (high - low)).round();
        match self.domain {
            Domain::Int { min, max, .. } => x.clamp(min as f64, max as f64),
            _ => x,
        }
    }

    fn log_place(&self, x: f64) -> f64 {
        let (low, high) = self.ends;
        ((libm::log(x) - low) / (high - low)).clamp(0.0, 1.0)
    }
}

/// The coordinates of all trials.
#[derive(Clone, Debug)]
pub(crate) struct Points {
    names: Vec<String>,
    axes: Vec<Axis>,
    /// For each axis the coordinates by place in the evidence; NaN where the parameter is inactive or nobody knows it any more.
    columns: Vec<Vec<f64>>,
}

impl Points {
    pub(crate) fn new(space: &Space) -> Self {
        Self {
            names: space.parameters.iter().map(|parameter| parameter.name.clone()).collect(),
            axes: space.parameters.iter().map(|parameter| Axis::new(&parameter.domain)).collect(),
            columns: vec![Vec::new(); space.parameters.len()],
        }
    }

    /// The next trial's configuration.
    pub(crate) fn push(&mut self, assignment: Option<&Assignment>) {
        let given = assignment.map_or(&[][..], |assignment| &assignment.values);
        // An assignment has its values in the order of the space: where none is missing, names say nothing new.
        let is_whole = given.len() == self.names.len();
        let mut given = given.iter().peekable();
        for ((name, axis), column) in self.names.iter().zip(&self.axes).zip(&mut self.columns) {
            let value = given.next_if(|(given, _)| is_whole || given == name);
            column.push(value.map_or(f64::NAN, |(_, value)| axis.coordinate(value)));
        }
    }

    /// The axes, in the order of the space.
    pub(crate) fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The coordinates of one axis, by place in the evidence.
    pub(crate) fn column(&self, axis: usize) -> &[f64] {
        self.columns.get(axis).map_or(&[], Vec::as_slice)
    }
}
