//! A regression tree.
//!
//! Each split takes most of the squared error away (Breiman et al. 1984). Numbers are split between two neighbours, at a place drawn
//! by chance, so that the trees of a forest differ where there is no evidence; names by which of them are better on the
//! mean, which is the best split of all for squared error (Breiman et al. 1984, section 8.8). The samples are sorted once along
//! each axis, for the whole forest, and every split keeps that order, so that a tree costs samples x axes x depth.

use crate::random::Stream;

/// What a forest is grown from.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    /// A row of coordinates for each sample.
    pub(super) points: Vec<Vec<f64>>,
    pub(super) values: Vec<f64>,
    /// For each axis that is not fixed: its position and whether it holds names.
    pub(super) axes: Vec<(usize, bool)>,
    /// For each of `axes`: the samples by rising coordinate.
    orders: Vec<Vec<u32>>,
}

#[derive(Clone, Debug)]
enum Node {
    /// The mean and variance of a leaf's values.
    Leaf { mean: f64, variance: f64 },
    /// A coordinate up to the threshold goes left.
    Number { axis: usize, threshold: f64, left: usize, right: usize },
    /// One of these names goes left.
    Names { axis: usize, names: Vec<f64>, left: usize, right: usize },
}

#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

/// How trees are grown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Fewer samples are not split.
    pub(super) least: u32,
    /// The share of the axes that each split chooses from.
    pub(super) share: f64,
}

/// A split that was found: how much error it takes away, and how.
struct Split {
    gain: f64,
    axis: usize,
    how: How,
}

enum How {
    At(f64),
    Names(Vec<f64>),
}

impl Samples {
    pub(super) fn new(points: Vec<Vec<f64>>, values: Vec<f64>, axes: Vec<(usize, bool)>) -> Self {
        let mut samples = Self { points, values, axes, orders: Vec::new() };
        let all = 0..u32::try_from(samples.values.len()).unwrap_or(0);
        let order = |&(position, _): &(usize, bool)| {
            let mut order: Vec<u32> = all.clone().collect();
            order.sort_by(|&a, &b| samples.coordinate(a, position).total_cmp(&samples.coordinate(b, position)));
            order
        };
        samples.orders = samples.axes.iter().map(order).collect();
        samples
    }

    fn coordinate(&self, sample: u32, position: usize) -> f64 {
        self.points.get(sample as usize).and_then(|point| point.get(position)).copied().unwrap_or(0.5)
    }

    fn value(&self, sample: u32) -> f64 {
        self.values.get(sample as usize).copied().unwrap_or(0.0)
    }
}

/// A node that is still to be split: its samples along each axis.
struct Open {
    node: usize,
    orders: Vec<Vec<u32>>,
}

impl Tree {
    /// Grows a tree on as many samples as there are, drawn with replacement.
    pub(super) fn grow(samples: &Samples, rule: Rule, stream: &mut Stream) -> Self {
        let count = samples.values.len();
        let mut weights = vec![0_u32; count];
        for _ in 0..count {
            let drawn = usize::try_from(stream.below(count as u64)).unwrap_or(0);
            if let Some(weight) = weights.get_mut(drawn) {
                *weight += 1;
            }
        }
        let is_drawn = |&&sample: &&u32| weights.get(sample as usize).is_some_and(|&weight| weight > 0);
        let orders = samples.orders.iter().map(|order| order.iter().filter(is_drawn).copied().collect()).collect();
        let mut tree = Self { nodes: vec![Node::Leaf { mean: 0.0, variance: 1.0 }] };
        let mut open = vec![Open { node: 0, orders }];
        let mut goes_left = vec![false; count];
        while let Some(Open { node, orders }) = open.pop() {
            let Some(members) = orders.first() else { break };
            let all = Sums::of(samples, &weights, members);
            let split = (all.weight >= f64::from(rule.least) && all.error() > 1e-12)
                .then(|| best_split(samples, &weights, &orders, &all, rule, stream))
                .flatten();
            let Some(split) = split else {
                tree.nodes[node] = Node::Leaf { mean: all.mean(), variance: all.error() / all.weight.max(1.0) };
                continue;
            };
            for &sample in members {
                let coordinate = samples.coordinate(sample, split.axis);
                if let Some(goes_left) = goes_left.get_mut(sample as usize) {
                    *goes_left = split.how.takes_left(coordinate);
                }
            }
            let is_left = |sample: &u32| goes_left.get(*sample as usize).copied().unwrap_or(false);
            let (left, right): (Vec<_>, Vec<_>) =
                orders.into_iter().map(|order| order.into_iter().partition::<Vec<u32>, _>(is_left)).unzip();
            let (a, b) = (tree.nodes.len(), tree.nodes.len() + 1);
            tree.nodes.extend([
                Node::Leaf { mean: all.mean(), variance: 0.0 },
                Node::Leaf { mean: all.mean(), variance: 0.0 },
            ]);
            tree.nodes[node] = match split.how {
                How::At(threshold) => Node::Number { axis: split.axis, threshold, left: a, right: b },
                How::Names(names) => Node::Names { axis: split.axis, names, left: a, right: b },
            };
            open.extend([Open { node: a, orders: left }, Open { node: b, orders: right }]);
        }
        tree
    }

    /// Mean and variance of the leaf that a point falls into.
    pub(super) fn predict(&self, point: &[f64]) -> (f64, f64) {
        let coordinate = |axis: usize| point.get(axis).copied().unwrap_or(0.5);
        let mut at = 0;
        loop {
            at = match self.nodes.get(at) {
                Some(Node::Number { axis, threshold, left, right }) => {
                    if coordinate(*axis) <= *threshold {
                        *left
                    } else {
                        *right
                    }
                }
                Some(Node::Names { axis, names, left, right }) => {
                    if names.contains(&coordinate(*axis)) {
                        *left
                    } else {
                        *right
                    }
                }
                Some(Node::Leaf { mean, variance }) => return (*mean, *variance),
                None => return (0.0, 1.0),
            };
        }
    }
}

impl How {
    fn takes_left(&self, coordinate: f64) -> bool {
        match self {
            Self::At(threshold) => coordinate <= *threshold,
            Self::Names(names) => names.contains(&coordinate),
        }
    }
}

/// Weighted sums of values.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    weight: f64,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn of(samples: &Samples, weights: &[u32], members: &[u32]) -> Self {
        let mut sums = Self::default();
        members.iter().for_each(|&sample| sums.add(samples, weights, sample));
        sums
    }

    fn add(&mut self, samples: &Samples, weights: &[u32], sample: u32) {
        let (weight, value) = (f64::from(weights.get(sample as usize).copied().unwrap_or(0)), samples.value(sample));
        self.weight += weight;
        self.sum += weight * value;
        self.squares += weight * value * value;
    }

    fn mean(&self) -> f64 {
        self.sum / self.weight.max(1.0)
    }

    fn error(&self) -> f64 {
        (self.squares - self.sum * self.mean()).max(0.0)
    }

    /// The error that is taken away when these part from the rest of all.
    fn gain(&self, all: &Self) -> f64 {
        let (weight, sum) = (all.weight - self.weight, all.sum - self.sum);
        self.sum * self.sum / self.weight + sum * sum / weight - all.sum * all.mean()
    }
}

fn best_split(
    samples: &Samples,
    weights: &[u32],
    orders: &[Vec<u32>],
    all: &Sums,
    rule: Rule,
    stream: &mut Stream,
) -> Option<Split> {
    let mut axes: Vec<usize> = (0..samples.axes.len()).collect();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "few axes"
    )]
    let chosen = ((axes.len() as f64 * rule.share).ceil() as usize).max(1);
    let mut best: Option<Split> = None;
    for turn in 0..axes.len() {
        // Beyond its share a split looks on only if nothing was found.
        if turn >= chosen && best.is_some() {
            break;
        }
        let other = turn + usize::try_from(stream.below((axes.len() - turn) as u64)).unwrap_or(0);
        axes.swap(turn, other);
        let at = axes[turn];
        let (Some(&(position, is_named)), Some(order)) = (samples.axes.get(at), orders.get(at)) else { continue };
        let place = stream.uniform();
        let found = if is_named {
            names_split(samples, weights, order, position, all)
        } else {
            number_split(samples, weights, order, position, all, place)
        };
        if let Some(found) = found.filter(|found| best.as_ref().is_none_or(|best| found.gain > best.gain)) {
            best = Some(found);
        }
    }
    best
}

/// The best threshold on an axis of numbers.
fn number_split(
    samples: &Samples,
    weights: &[u32],
    order: &[u32],
    axis: usize,
    all: &Sums,
    place: f64,
) -> Option<Split> {
    let mut left = Sums::default();
    let mut best: Option<(f64, f64, f64)> = None;
    for pair in order.windows(2) {
        let &[sample, next] = pair else { continue };
        left.add(samples, weights, sample);
        let (low, high) = (samples.coordinate(sample, axis), samples.coordinate(next, axis));
        if low < high {
            let gain = left.gain(all);
            if best.is_none_or(|(most, ..)| gain > most) {
                best = Some((gain, low, high));
            }
        }
    }
    best.map(|(gain, low, high)| Split { gain, axis, how: How::At(threshold(low, high, place)) })
}

/// A place between two coordinates, the lower one included. A parameter that does not exist is apart from all that do.
fn threshold(low: f64, high: f64, place: f64) -> f64 {
    let between = low.max(0.0) + place * (high - low.max(0.0));
    if low < 0.0 { low } else { between.clamp(low, high.next_down()) }
}

/// The best parting of an axis of names.
fn names_split(samples: &Samples, weights: &[u32], order: &[u32], axis: usize, all: &Sums) -> Option<Split> {
    let mut groups: Vec<(f64, Sums)> = Vec::new();
    for &sample in order {
        let name = samples.coordinate(sample, axis);
        if groups.last().is_none_or(|&(last, _)| last < name) {
            groups.push((name, Sums::default()));
        }
        if let Some((_, sums)) = groups.last_mut() {
            sums.add(samples, weights, sample);
        }
    }
    groups.sort_by(|(_, a), (_, b)| a.mean().total_cmp(&b.mean()));
    let mut left = Sums::default();
    let mut best: Option<(f64, usize)> = None;
    for (at, (_, sums)) in groups.iter().enumerate().take(groups.len().saturating_sub(1)) {
        left.weight += sums.weight;
        left.sum += sums.sum;
        let gain = left.gain(all);
        if best.is_none_or(|(most, _)| gain > most) {
            best = Some((gain, at + 1));
        }
    }
    let (gain, count) = best?;
    let names = groups.iter().take(count).map(|&(name, _)| name).collect();
    Some(Split { gain, axis, how: How::Names(names) })
}

#[cfg(test)]
mod tests;
