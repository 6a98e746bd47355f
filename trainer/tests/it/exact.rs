//! Models whose best weights are known: what training comes to, against what a solver says in double precision.

use std::fs;

use safetensors::SafeTensors;
use tempfile::TempDir;
use trimtab_trainer::data::Source;

use crate::fixture::{Flags, train};

/// Inputs and a number of each row.
fn rows() -> Vec<([f64; 2], f64)> {
    let row = |place: i32| {
        let at = f64::from(place);
        let inputs = [3.0 + 2.0 * (1.7 * at).sin(), 10.0 * (0.9 * at + 0.5).cos() - 4.0];
        (inputs, inputs[0] - 0.2 * inputs[1] + 1.5 * (5.3 * at).sin())
    };
    (0..60).map(row).collect()
}

/// Trains a linear model on `rows`, with `target` as text, all training rows in one batch, until it stands still. Returns its
/// training rows, the inputs as the model gets them with a 1 appended, and its weights, biases last.
fn fitted(more: &str, target: impl Fn(f64) -> String) -> (Vec<usize>, Vec<[f64; 3]>, Vec<Vec<f64>>) {
    let folder = TempDir::new().unwrap();
    let [table, model] = ["t.csv", "m"].map(|name| folder.path().join(name));
    let lines = rows().into_iter().map(|([x, y], number)| format!("{x},{y},{}\n", target(number)));
    fs::write(&table, std::iter::once("x,y,t\n".to_owned()).chain(lines).collect::<String>()).unwrap();
    let flags = Flags::new(&["--model=linear --optimizer=sgd --momentum=0.9 --batch-size=4096 --threads=1", more]);
    let flags = flags.path("--data", &table).path("--save", &model);
    let settings = flags.settings().unwrap();
    let source = Source::read(&table, &settings.options).unwrap();
    let fold = settings.split.folds(&source.rows()).unwrap().remove(0);
    let train_rows: Vec<usize> = fold.train.iter().map(|&row| row as usize).collect();
    let ran = train(&flags);
    assert!(ran.ending.is_ok(), "{}", ran.output);

    let count = train_rows.len() as f64;
    let column = |place: usize| {
        let values: Vec<f64> = train_rows.iter().map(|&row| rows()[row].0[place]).collect();
        let mean = values.iter().sum::<f64>() / count;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        values.into_iter().map(|value| (value - mean) / deviation).collect::<Vec<f64>>()
    };
    let inputs = column(0).into_iter().zip(column(1)).map(|(x, y)| [x, y, 1.0]).collect();
    let bytes = fs::read(&model).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let numbers = |name: &str| -> Vec<f64> {
        let view = tensors.tensor(name).unwrap();
        let words = view.data().chunks_exact(4);
        words.map(|word| f64::from(f32::from_le_bytes(word.try_into().unwrap()))).collect()
    };
    let (weights, biases) = (numbers("layers.0.linear.weight"), numbers("layers.0.linear.bias"));
    let outputs = biases.len();
    let found = (0..outputs).map(|output| vec![weights[output], weights[outputs + output], biases[output]]).collect();
    (train_rows, inputs, found)
}

/// The solution of a linear system (elimination with the largest pivot).
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let count = right.len();
    for column in 0..count {
        let pivot = (column..count).max_by(|&a, &b| matrix[a][column].abs().total_cmp(&matrix[b][column].abs()));
        let pivot = pivot.unwrap();
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in 0..count {
            if row != column {
                let factor = matrix[row][column] / matrix[column][column];
                let above = matrix[column].clone();
                matrix[row].iter_mut().zip(above).for_each(|(number, above)| *number -= factor * above);
                let above = right[column];
                right[row] -= factor * above;
            }
        }
    }
    (0..count).map(|place| right[place] / matrix[place][place]).collect()
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (left, right) in found.iter().zip(expected) {
        assert!((left - right).abs() < 2e-5, "{found:?} instead of {expected:?}");
    }
}

#[test]
fn ridge_regression_is_its_exact_solution() {
    for decay in [0.0, 0.1, 2.0] {
        let more = format!("--task=regression --weight-decay={decay} --learning-rate=0.05 --epochs=600");
        let (train_rows, inputs, found) = fitted(&more, |number| number.to_string());
        // The loss is the mean of squares, the penalty decay / 2 of the sum of squares, biases included.
        let count = inputs.len() as f64;
        let values: Vec<f64> = train_rows.iter().map(|&row| rows()[row].1).collect();
        let mean = values.iter().sum::<f64>() / count;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        let mut matrix = vec![vec![0.0; 3]; 3];
        let mut right = vec![0.0; 3];
        for (inputs, value) in inputs.iter().zip(&values) {
            for row in 0..3 {
                right[row] += 2.0 / count * inputs[row] * (value - mean) / deviation;
                for column in 0..3 {
                    matrix[row][column] += 2.0 / count * inputs[row] * inputs[column];
                }
            }
        }
        (0..3).for_each(|place| matrix[place][place] += decay);
        close(&found[0], &solve(matrix, right));
    }
}

#[test]
fn logistic_regression_is_its_exact_solution() {
    let class = |number: f64| if number > 3.0 { "high" } else { "low" };
    let decay = 0.02;
    let more = format!("--weight-decay={decay} --learning-rate=0.2 --epochs=1500");
    let (train_rows, inputs, found) = fitted(&more, |number| class(number).to_owned());
    // Newton's method on the difference of the two classes' weights: with the penalty on both, they are each other's negative.
    let count = inputs.len() as f64;
    let mut half = vec![0.0; 3];
    for _ in 0..50 {
        let mut gradient: Vec<f64> = half.iter().map(|weight| 2.0 * decay * weight).collect();
        let mut curvature = vec![vec![0.0; 3]; 3];
        (0..3).for_each(|place| curvature[place][place] = 2.0 * decay);
        for (inputs, &row) in inputs.iter().zip(&train_rows) {
            let score: f64 = inputs.iter().zip(&half).map(|(input, weight)| 2.0 * input * weight).sum();
            let probability = 1.0 / (1.0 + (-score).exp());
            let truth = f64::from(u8::from(class(rows()[row].1) == "high"));
            for first in 0..3 {
                gradient[first] += 2.0 * (probability - truth) * inputs[first] / count;
                for second in 0..3 {
                    let bend = 4.0 * probability * (1.0 - probability) / count;
                    curvature[first][second] += bend * inputs[first] * inputs[second];
                }
            }
        }
        let step = solve(curvature, gradient);
        half.iter_mut().zip(step).for_each(|(weight, step)| *weight -= step);
    }
    close(&found[0], &half);
    close(&found[1], &half.iter().map(|weight| -weight).collect::<Vec<_>>());
}
