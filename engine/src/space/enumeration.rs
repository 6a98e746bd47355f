//! Every configuration of a finite space, numbered: mixed radix with the last parameter fastest, and each conditional
//! branch once.

use std::collections::BTreeMap;

use super::{Assignment, Domain, Space, Value};

/// How many different situations of parents are looked at before a space counts as entangled beyond enumeration.
const MAX_SITUATIONS: usize = 20_000;

/// What a parent is, as far as its children care: absent, a value that no condition names, or a named one.
type Class = u32;
const ABSENT: Class = 0;
const OTHER: Class = 1;
const NAMED: Class = 2;

/// The numbered configurations of a finite space.
#[derive(Clone, Debug, PartialEq)]
pub struct Enumeration {
    parameters: Vec<Entry>,
    /// The number of ways to go on from a parameter in a situation, filled when built.
    ways: BTreeMap<(usize, Vec<Class>), u64>,
    size: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    name: String,
    domain: Domain,
    /// Points of a continuum; absent for a countable domain.
    points: Option<u64>,
    count: u64,
    /// Indices of the values that conditions name, rising.
    named: Vec<u64>,
    /// The last parameter with a condition on this one.
    needed_until: usize,
    /// Parents by position, with the classes under which the parameter exists.
    when: Vec<(usize, Vec<Class>)>,
}

impl Entry {
    fn value(&self, index: u64) -> Value {
        match self.points {
            Some(points) => self.domain.spaced(index, points),
            None => self.domain.at(index),
        }
    }

    fn class(&self, index: u64) -> Class {
        match self.named.binary_search(&index) {
            Ok(position) => NAMED + u32::try_from(position).unwrap_or(0),
            Err(_) => OTHER,
        }
    }

    fn is_active(&self, situation: &[Class]) -> bool {
        self.when.iter().all(|(parent, classes)| situation.get(*parent).is_some_and(|c| classes.contains(c)))
    }

    /// Stretches of neighbouring values that are alike for the children: their number and class, in the domain's order.
    fn stretches(&self) -> impl Iterator<Item = (u64, Class)> {
        let mut from = 0;
        let inner = self.named.iter().flat_map(move |&at| {
            let before = at - from;
            from = at + 1;
            [(before, OTHER), (1, self.class(at))]
        });
        let tail = self.count - self.named.last().map_or(0, |last| last + 1);
        inner.chain([(tail, OTHER)]).filter(|&(length, _)| length > 0)
    }
}

impl Enumeration {
    /// Numbers a valid space's configurations, with so many equally spaced points for each continuum. `None` when the
    /// space is infinite, larger than a `u64` counts, or so entangled by conditions that counting it is not worth it.
    #[must_use]
    pub fn new(space: &Space, points: Option<u32>) -> Option<Self> {
        let mut parameters: Vec<Entry> = Vec::new();
        for (position, parameter) in space.parameters.iter().enumerate() {
            let own = parameter.domain.count();
            let is_continuum = own.is_none() && matches!(parameter.domain, Domain::Float { .. });
            let points = points.map(u64::from).filter(|_| is_continuum);
            for condition in &parameter.when {
                let (at, parent) = find(space, &condition.parameter)?;
                let entry = parameters.get_mut(at)?;
                entry.needed_until = position;
                entry.named.extend(condition.is_in.iter().filter_map(|text| index(&parent.domain, text)));
                entry.named.sort_unstable();
                entry.named.dedup();
            }
            parameters.push(Entry {
                name: parameter.name.clone(),
                domain: parameter.domain.clone(),
                points,
                count: own.or(points).filter(|&count| count > 0)?,
                named: Vec::new(),
                needed_until: 0,
                when: Vec::new(),
            });
        }
        // Classes are known only now that every condition has been seen.
        for (position, parameter) in space.parameters.iter().enumerate() {
            let mut when = Vec::new();
            for condition in &parameter.when {
                let (at, parent) = find(space, &condition.parameter)?;
                let entry = parameters.get(at)?;
                let classes =
                    condition.is_in.iter().filter_map(|text| Some(entry.class(index(&parent.domain, text)?))).collect();
                when.push((at, classes));
            }
            parameters.get_mut(position)?.when = when;
        }
        let mut all = Self { parameters, ways: BTreeMap::new(), size: 0 };
        all.size = all.count(0, Vec::new())?;
        Some(all)
    }

    /// How many configurations there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    fn count(&mut self, position: usize, situation: Vec<Class>) -> Option<u64> {
        let Some(entry) = self.parameters.get(position) else { return Some(1) };
        if let Some(&known) = self.ways.get(&(position, situation.clone())) {
            return Some(known);
        }
        if self.ways.len() >= MAX_SITUATIONS {
            return None;
        }
        let stretches: Vec<(u64, Class)> =
            if entry.is_active(&situation) { entry.stretches().collect() } else { vec![(1, ABSENT)] };
        let mut total: u64 = 0;
        for (length, class) in stretches {
            let ways = self.count(position + 1, self.after(position, &situation, class))?;
            total = total.checked_add(length.checked_mul(ways)?)?;
        }
        self.ways.insert((position, situation), total);
        Some(total)
    }

    /// The situation after a parameter took a class: what no later parameter asks for is forgotten.
    fn after(&self, position: usize, situation: &[Class], class: Class) -> Vec<Class> {
        let keep = |(at, class): (usize, Class)| {
            let needed = self.parameters.get(at).is_some_and(|entry| entry.needed_until > position);
            if needed { class } else { ABSENT }
        };
        situation.iter().copied().chain([class]).enumerate().map(keep).collect()
    }

    fn ways(&self, position: usize, situation: &[Class]) -> u64 {
        // The end has one way, and every situation that can arise was counted when the enumeration was built.
        self.ways.get(&(position, situation.to_vec())).copied().unwrap_or(1)
    }

    /// The configuration of this number, below [`Self::size`].
    #[must_use]
    pub fn at(&self, number: u64) -> Option<Assignment> {
        if number >= self.size {
            return None;
        }
        let (mut rest, mut situation, mut assignment) = (number, Vec::new(), Assignment::default());
        for (position, entry) in self.parameters.iter().enumerate() {
            let mut class = ABSENT;
            if entry.is_active(&situation) {
                let mut from = 0;
                for (length, stretch) in entry.stretches() {
                    let ways = self.ways(position + 1, &self.after(position, &situation, stretch));
                    if rest < length * ways {
                        assignment.values.push((entry.name.clone(), entry.value(from + rest / ways)));
                        rest %= ways;
                        class = stretch;
                        break;
                    }
                    rest -= length * ways;
                    from += length;
                }
            }
            situation = self.after(position, &situation, class);
        }
        Some(assignment)
    }

    /// The number of a configuration; `None` when it is none of the space's.
    #[must_use]
    pub fn number_of(&self, assignment: &Assignment) -> Option<u64> {
        let (mut number, mut situation) = (0, Vec::new());
        let mut given = assignment.values.iter();
        for (position, entry) in self.parameters.iter().enumerate() {
            let mut class = ABSENT;
            if entry.is_active(&situation) {
                let (_, value) = given.next().filter(|(name, _)| *name == entry.name)?;
                let index = entry.index_of(value)?;
                class = entry.class(index);
                let mut from = 0;
                for (length, stretch) in entry.stretches() {
                    let ways = self.ways(position + 1, &self.after(position, &situation, stretch));
                    if index < from + length {
                        number += (index - from) * ways;
                        break;
                    }
                    number += length * ways;
                    from += length;
                }
            }
            situation = self.after(position, &situation, class);
        }
        given.next().is_none().then_some(number)
    }
}

impl Entry {
    fn index_of(&self, value: &Value) -> Option<u64> {
        match self.points {
            Some(points) => (0..points).find(|&index| self.domain.spaced(index, points) == *value),
            None => self.domain.index_of(value),
        }
    }
}

fn find<'s>(space: &'s Space, name: &str) -> Option<(usize, &'s super::Parameter)> {
    space.parameters.iter().enumerate().find(|(_, p)| p.name == name)
}

fn index(domain: &Domain, text: &str) -> Option<u64> {
    domain.index_of(&domain.parse(text).ok()?)
}
