use super::super::kernel::{Axes, Hyper};
use super::super::posterior::Seen;
use super::*;
use crate::fixture::parameter;
use crate::random::{Purpose, Stream};
use crate::samplers::surrogate::Encoding;
use crate::space::{Domain, Scale, Space};

fn space() -> Space {
    let domain = Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear };
    Space { parameters: vec![parameter("x", domain.clone()), parameter("y", domain)] }
}

fn stream() -> Stream {
    Stream::new(1, Purpose::Search, 0)
}

fn hyper(noise: f64) -> Hyper {
    Hyper { weights: vec![9.0, 2.0], scale: 1.3, noise }
}

/// Where trials were, and what they were worth in each of three objectives.
const KNOWN: [([f64; 2], [f64; 3]); 4] = [
    ([0.1, 0.2], [1.0, -0.5, 0.2]),
    ([0.5, 0.5], [-1.0, 0.9, 0.4]),
    ([0.9, 0.3], [0.4, -1.0, 1.1]),
    ([0.3, 0.9], [0.1, 0.3, -1.3]),
];

/// The acquisition on these trials by so many objectives.
fn acquisition<'a>(
    axes: &'a Axes,
    noise: f64,
    known: &[([f64; 2], [f64; 3])],
    pending: &[Vec<f64>],
    objectives: usize,
) -> Acquisition<'a> {
    let points: Vec<Vec<f64>> = known.iter().map(|(point, _)| point.to_vec()).collect();
    let seen = Seen { known: &points, pending, worlds: 8 };
    let mut stream = stream();
    let posterior = |objective: usize| {
        let values: Vec<f64> = known.iter().map(|(_, values)| values[objective]).collect();
        Posterior::new(axes, &hyper(noise), seen, &values, &mut stream).unwrap()
    };
    Acquisition::new((0..objectives).map(posterior).collect())
}

#[test]
fn slope_is_that_of_differences() {
    let space = space();
    let axes = Axes::new(&Encoding::new(&space));
    for (pending, objectives) in
        [vec![], vec![vec![0.7, 0.7], vec![0.2, 0.4]]].iter().flat_map(|pending| (1..=3).map(move |n| (pending, n)))
    {
        let acquisition = acquisition(&axes, 1e-3, &KNOWN, pending, objectives);
        for point in [[0.4, 0.6], [0.05, 0.95], [0.5, 0.49]] {
            let (value, gradient) = acquisition.merit_slope(&point);
            assert!((value - acquisition.merit(&point)).abs() < 1e-12);
            for at in 0..2 {
                let shifted = |by: f64| {
                    let mut point = point;
                    point[at] += by;
                    acquisition.merit(&point)
                };
                let slope = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
                assert!((slope - gradient[at]).abs() < 1e-4 * (1.0 + slope.abs()), "{slope} {gradient:?}");
            }
        }
    }
}

#[test]
fn nothing_is_expected_where_a_trial_was_or_is_pending() {
    let space = space();
    let axes = Axes::new(&Encoding::new(&space));
    for objectives in 1..=3 {
        let alone = acquisition(&axes, 1e-6, &KNOWN, &[], objectives);
        let spot = vec![0.55, 0.6];
        let with = acquisition(&axes, 1e-6, &KNOWN, std::slice::from_ref(&spot), objectives);
        assert!(alone.merit(&spot) > -6.0, "{}", alone.merit(&spot));
        assert!(with.merit(&spot) < alone.merit(&spot) - 3.0, "{}", with.merit(&spot));
        assert!(alone.merit(&[0.5, 0.5]) < alone.merit(&spot) - 3.0);
    }
}

#[test]
fn the_same_point_twice_does_not_break_it() {
    let space = space();
    let axes = Axes::new(&Encoding::new(&space));
    let twice = [([0.5, 0.5], [1.0, 0.0, 1.0]), ([0.5, 0.5], [-1.0; 3]), ([0.5, 0.5], [1.0; 3])];
    for objectives in 1..=3 {
        assert!(acquisition(&axes, 1e-6, &twice, &[], objectives).merit(&[0.2, 0.2]).is_finite());
    }
}

#[test]
fn a_front_is_cut_to_those_that_cover_most_and_measured_from_beyond_its_worst() {
    let (a, b): (Vec<f64>, Vec<f64>) = (0..200).map(|i| (f64::from(i), f64::from(199 - i))).unzip();
    let (front, reference) = to_improve_on(&[&a, &b]);
    assert_eq!(front.len(), MOST_ON_FRONT);
    assert!((reference[0] - 218.9).abs() < 1e-9 && (reference[1] - 218.9).abs() < 1e-9, "{reference:?}");
    let (front, reference) = to_improve_on(&[&[2.0, 2.0, 2.0], &[1.0, 3.0, 2.0]]);
    assert_eq!((front, reference), (vec![[2.0, 1.0, 0.0, 0.0]], [3.0, 2.0, 0.0, 0.0]));
    // The last is better than the first by next to nothing, and far worse in the other objective.
    let (front, reference) = to_improve_on(&[&[0.0, 0.5, 1.0, -0.001], &[1.0, 0.5, 0.0, 5.0]]);
    assert_eq!(front.len(), 4);
    assert!((reference[0] - 1.1).abs() < 1e-9 && (reference[1] - 1.1).abs() < 1e-9, "{reference:?}");
}
