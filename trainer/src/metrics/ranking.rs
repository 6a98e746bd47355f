//! Metrics of the order in which a score puts rows.

/// Rows that share a score: how many have the class and how many have not, from the highest score down.
fn steps(scores: &[f64], positive: &[bool]) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&left, &right| scores[right].total_cmp(&scores[left]));
    let mut steps: Vec<(f64, f64)> = Vec::new();
    let mut last = None;
    for row in order {
        // Rows that the score does not tell apart are one step.
        if last != Some(scores[row]) {
            steps.push((0.0, 0.0));
            last = Some(scores[row]);
        }
        if let Some(step) = steps.last_mut() {
            if positive[row] { step.0 += 1.0 } else { step.1 += 1.0 }
        }
    }
    steps
}

/// The area under the curve of true positives over false positives: the chance that a row with the class has the higher score
/// than one without. NaN if all rows have it or none.
#[must_use]
pub fn roc_area(scores: &[f64], positive: &[bool]) -> f64 {
    let (mut right, mut wrong, mut area) = (0.0, 0.0, 0.0);
    for (with, without) in steps(scores, positive) {
        area += without * (right + with / 2.0);
        right += with;
        wrong += without;
    }
    area / (right * wrong)
}

/// The area under the curve of precision over recall, in steps (average precision). NaN if no row has the class.
#[must_use]
pub fn average_precision(scores: &[f64], positive: &[bool]) -> f64 {
    let (mut right, mut given, mut area) = (0.0, 0.0, 0.0);
    for (with, without) in steps(scores, positive) {
        right += with;
        given += with + without;
        area += with * right / given;
    }
    area / right
}

/// `area` of the second of two classes, or the mean of each class against the rest.
#[must_use]
pub fn over_classes(
    classes: usize,
    probabilities: &[f64],
    labels: &[u32],
    area: impl Fn(&[f64], &[bool]) -> f64,
) -> f64 {
    let of = |class: usize| {
        let scores: Vec<f64> = probabilities.iter().skip(class).step_by(classes).copied().collect();
        let positive: Vec<bool> = labels.iter().map(|&label| label as usize == class).collect();
        area(&scores, &positive)
    };
    if classes == 2 {
        return of(1);
    }
    (0..classes).map(of).sum::<f64>() / classes as f64
}
