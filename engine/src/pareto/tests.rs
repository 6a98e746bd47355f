use proptest::prelude::*;

use super::*;

fn point(vector: &[f64], violation: f64) -> Point {
    Point { vector: padded(vector), violation }
}

fn padded(values: &[f64]) -> Vector {
    let mut vector = Vector::default();
    vector[..values.len()].copy_from_slice(values);
    vector
}

/// The fronts by their definition.
fn peeled(points: &[Point]) -> Vec<usize> {
    let mut ranks = vec![usize::MAX; points.len()];
    for rank in 0..points.len() {
        let is_left = |at: &usize| ranks[*at] == usize::MAX;
        let left: Vec<usize> = (0..points.len()).filter(is_left).collect();
        for &at in &left {
            if !left.iter().any(|&other| points[other].dominates(&points[at])) {
                ranks[at] = rank;
            }
        }
    }
    ranks
}

/// The hypervolume by inclusion and exclusion.
fn by_inclusion(points: &[Vector], reference: &Vector, objectives: usize) -> f64 {
    (1_u32..1 << points.len())
        .map(|subset| {
            let members = || points.iter().enumerate().filter(|(i, _)| subset >> i & 1 == 1).map(|(_, p)| p);
            let sides = (0..objectives).map(|axis| {
                let worst = members().map(|point| point[axis]).fold(f64::NEG_INFINITY, f64::max);
                (reference[axis] - worst).max(0.0)
            });
            let sign = if subset.count_ones() % 2 == 1 { 1.0 } else { -1.0 };
            sign * sides.product::<f64>()
        })
        .sum()
}

/// Small whole values, so that there are ties, and points beyond the reference.
fn clouds(most: usize) -> impl Strategy<Value = (usize, Vec<Vec<u8>>)> {
    (1_usize..=4).prop_flat_map(move |m| (Just(m), prop::collection::vec(prop::collection::vec(0_u8..8, m), 0..most)))
}

fn vectors(cloud: &[Vec<u8>]) -> Vec<Vector> {
    cloud.iter().map(|values| padded(&values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>())).collect()
}

proptest! {
    #[test]
    fn a_spot_is_in_one_box_where_nobody_dominates_and_else_in_none(
        (m, cloud) in clouds(12),
        spots in prop::collection::vec(prop::collection::vec(-1_i8..9, 4), 20),
    ) {
        prop_assume!(m <= 3);
        let (points, reference) = (vectors(&cloud), [7.0; MAX_OBJECTIVES]);
        let cells = undominated(&points, &reference, m);
        let most = if m == 3 { 2 * points.len() + 1 } else { points.len() + 1 };
        prop_assert!(cells.len() <= most, "{} {}", cells.len(), most);
        for spot in spots {
            // Between the whole numbers, so that it is on no edge.
            let spot: Vec<f64> = spot.iter().take(m).map(|&x| f64::from(x) + 0.5).collect();
            let is_below = |point: &Vector| point.iter().zip(&spot).all(|(a, b)| a < b);
            let is_free = spot.iter().all(|&x| x < 7.0) && !points.iter().any(is_below);
            let holds = |cell: &&Cell| (0..m).all(|at| cell.low[at] < spot[at] && spot[at] < cell.high[at]);
            prop_assert_eq!(cells.iter().filter(holds).count(), usize::from(is_free));
        }
    }

    #[test]
    fn ranks_are_those_of_the_definition((m, cloud) in clouds(60), broken in prop::collection::vec(0_u8..4, 60)) {
        let points: Vec<Point> = vectors(&cloud)
            .into_iter()
            .zip(broken)
            .map(|(vector, broken)| Point { vector, violation: f64::from(broken.saturating_sub(1)) })
            .collect();
        prop_assert_eq!(ranks(&points, m), peeled(&points));
        let order = order(&points, m, points.len());
        let ranks = peeled(&points);
        prop_assert!(order.windows(2).all(|pair| ranks[pair[0]] <= ranks[pair[1]]));
        let mut sorted = order;
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (0..points.len()).collect::<Vec<_>>());
    }

    #[test]
    fn hypervolume_is_that_of_inclusion_and_exclusion((m, cloud) in clouds(9), corner in 3_u8..9) {
        let (points, reference) = (vectors(&cloud), [f64::from(corner); MAX_OBJECTIVES]);
        let (found, expected) = (hypervolume(&points, &reference, m), by_inclusion(&points, &reference, m));
        prop_assert!((found - expected).abs() < 1e-9, "{} {}", found, expected);
    }

    #[test]
    fn hypervolume_does_not_depend_on_the_order((m, cloud) in clouds(40)) {
        let points = vectors(&cloud);
        let reference = [6.5; MAX_OBJECTIVES];
        let mut turned = points.clone();
        turned.reverse();
        let front: Vec<Vector> = {
            let all: Vec<Point> = points.iter().map(|&vector| Point { vector, violation: 0.0 }).collect();
            points.iter().zip(ranks(&all, m)).filter(|(_, rank)| *rank == 0).map(|(point, _)| *point).collect()
        };
        let whole = hypervolume(&points, &reference, m);
        prop_assert!((whole - hypervolume(&turned, &reference, m)).abs() < 1e-9);
        prop_assert!((whole - hypervolume(&front, &reference, m)).abs() < 1e-9);
    }
}

proptest! {
    #[test]
    fn subset_takes_what_adds_most((m, cloud) in clouds(14), count in 1_usize..6) {
        // The scale is that of the definition: one point at each end of every axis.
        let mut points = vectors(&cloud);
        points.push(padded(&vec![0.0; m]).map(|x| x + 8.0));
        points.push(Vector::default());
        let points: Vec<Vector> = points.into_iter().map(|point| std::array::from_fn(|k| if k < m { point[k] } else { 0.0 })).collect();
        let unit = |place: usize| points[place].map(|x| x / 8.0);
        let covers = |places: &[usize]| {
            hypervolume(&places.iter().map(|&place| unit(place)).collect::<Vec<_>>(), &[1.1; MAX_OBJECTIVES], m)
        };
        let found = subset(&points, m, count);
        prop_assert_eq!(found.len(), count.min(points.len()));
        for taken in 0..found.len() {
            let most = (0..points.len()).map(|place| covers(&[&found[..taken], &[place]].concat())).fold(0.0, f64::max);
            prop_assert!((covers(&found[..=taken]) - most).abs() < 1e-9);
        }
    }
}

#[test]
fn known_hypervolumes() {
    // A staircase, a corner of a cube and of its sibling in four dimensions.
    let stairs = [[1.0, 3.0, 0.0, 0.0], [2.0, 2.0, 0.0, 0.0], [3.0, 1.0, 0.0, 0.0]];
    assert_eq!(hypervolume(&stairs, &[4.0; 4], 2), 6.0);
    assert_eq!(hypervolume(&[[0.5; 4]], &[1.0; 4], 3), 0.125);
    assert_eq!(hypervolume(&[[0.5; 4]], &[1.0; 4], 4), 0.0625);
    assert_eq!(hypervolume(&[], &[1.0; 4], 3), 0.0);
    // A thousand points of the front of ZDT1, y = 1 - sqrt(x): the whole has 1 - 1/3 + 0.1 * 1 + 0.1 * 1.1 beside (1.1, 1.1).
    let zdt1: Vec<Vector> = (0..=1_000).map(|i| f64::from(i) / 1e3).map(|x| [x, 1.0 - x.sqrt(), 0.0, 0.0]).collect();
    let whole = 2.0 / 3.0 + 0.1 + 0.11;
    let found = hypervolume(&zdt1, &[1.1; 4], 2);
    assert!(found < whole && found > whole - 2e-3, "{found}");
}

#[test]
fn who_breaks_bounds_stands_behind_who_keeps_them() {
    let points =
        [point(&[9.0, 9.0], 0.0), point(&[0.0, 0.0], 0.1), point(&[0.0, 0.0], f64::INFINITY), point(&[1.0, 0.0], 0.1)];
    assert_eq!(ranks(&points, 2), [0, 1, 3, 2]);
}

#[test]
fn the_first_of_a_front_cover_it() {
    // Eleven on a line, two of them twice: both ends come first, twins last.
    let mut points: Vec<Point> = (0..=10).map(|i| point(&[f64::from(i), f64::from(10 - i)], 0.0)).collect();
    points.push(points[0]);
    points.push(points[5]);
    let order = order(&points, 2, points.len());
    let first: Vec<usize> = order[..3].to_vec();
    assert!(first.contains(&0) && first.contains(&10), "{order:?}");
    assert!(order[11..].contains(&12), "{order:?}");
    let middle = order[2];
    assert!((4..=6).contains(&middle), "{order:?}");
    // The largest numbers have an order as well.
    let huge = [point(&[-1e308, 1e308], 0.0), point(&[0.0, 0.0], 0.0), point(&[1e308, -1e308], 0.0)];
    assert_eq!(super::order(&huge, 2, 3).len(), 3);
}
