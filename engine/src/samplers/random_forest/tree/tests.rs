use super::*;
use crate::random::Purpose;

fn grown(points: Vec<Vec<f64>>, values: Vec<f64>, is_named: bool) -> Tree {
    let samples = Samples::new(points, values, vec![(0, is_named)]);
    let mut stream = Stream::new(2, Purpose::Search, 0);
    Tree::grow(&samples, Rule { least: 2, share: 1.0 }, &mut stream)
}

#[test]
fn a_step_is_found_where_it_is() {
    let points: Vec<Vec<f64>> = (0..50).map(|i| vec![f64::from(i) / 50.0]).collect();
    let values = points.iter().map(|p| if p[0] < 0.5 { -1.0 } else { 2.0 }).collect();
    let tree = grown(points, values, false);
    assert_eq!(tree.nodes.len(), 3);
    assert_eq!((tree.predict(&[0.4]), tree.predict(&[0.6])), ((-1.0, 0.0), (2.0, 0.0)));
}

#[test]
fn names_are_parted_by_their_means() {
    let names = [0.125, 0.375, 0.625, 0.875];
    let points: Vec<Vec<f64>> = (0..40).map(|i| vec![names[i % 4]]).collect();
    let values = (0..40).map(|i| if i % 4 == 1 || i % 4 == 3 { 1.0 } else { 5.0 }).collect();
    let tree = grown(points, values, true);
    assert_eq!(tree.nodes.len(), 3);
    let means: Vec<f64> = names.iter().map(|&name| tree.predict(&[name]).0).collect();
    assert_eq!(means, [5.0, 1.0, 5.0, 1.0]);
}

#[test]
fn what_does_not_exist_is_apart() {
    let points: Vec<Vec<f64>> = (0..40).map(|i| vec![if i % 2 == 0 { -1.0 } else { f64::from(i) / 40.0 }]).collect();
    let values = (0..40).map(|i| f64::from(i % 2)).collect();
    let tree = grown(points, values, false);
    assert_eq!((tree.predict(&[-1.0]).0, tree.predict(&[0.0]).0, tree.predict(&[1.0]).0), (0.0, 1.0, 1.0));
}
