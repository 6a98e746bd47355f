//! Small problems that are computed: for tests, and for a first run without data.

use std::fmt::Write;
use std::io::Cursor;
use std::path::Path;

use super::error::Error;
use super::raw::Raw;
use crate::random::{Purpose, Stream};

/// What a path begins with that names a generated problem.
pub const PREFIX: &str = "generated:";

/// The problems: `spirals` has two classes wound around each other, `blobs` three classes around three centres, `plane` a
/// linear function with noise, `waves` a curved one.
const NAMES: [&str; 4] = ["spirals", "blobs", "plane", "waves"];
/// Rows, unless the name says otherwise.
const ROWS: usize = 1000;
/// The most rows.
const MAX_ROWS: usize = 1_000_000;

/// The table of the problem called `name`, with `:ROWS` after it or without.
///
/// # Errors
/// If there is no such problem.
pub fn table(name: &str) -> Result<Raw, Error> {
    let unknown = || Error::Generated { name: name.to_owned(), expected: NAMES.join(", ") };
    let (problem, rows) = match name.split_once(':') {
        Some((problem, rows)) => {
            (problem, rows.parse().ok().filter(|rows| (1..=MAX_ROWS).contains(rows)).ok_or_else(unknown)?)
        }
        None => (name, ROWS),
    };
    let place = NAMES.iter().position(|known| *known == problem).ok_or_else(unknown)?;
    let mut stream = Stream::new(0, Purpose::Generated, [place as u32, 0, 0]);
    let mut text = String::from("x,y,target\n");
    for row in 0..rows {
        let (x, y, target) = draw(problem, row, &mut stream);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{x},{y},{target}");
    }
    Raw::parse(Path::new(&format!("{PREFIX}{name}")), Cursor::new(text), None)
}

/// One row.
fn draw(problem: &str, row: usize, stream: &mut Stream) -> (f64, f64, String) {
    let mut unit = || f64::from(stream.unit());
    match problem {
        "spirals" => {
            let (arm, turn) = (row % 2, unit());
            let angle = turn * 3.0 * std::f64::consts::PI + arm as f64 * std::f64::consts::PI;
            let (x, y) = ((0.2 + turn) * angle.cos(), (0.2 + turn) * angle.sin());
            (x + 0.05 * (unit() - 0.5), y + 0.05 * (unit() - 0.5), ["left", "right"][arm].to_owned())
        }
        "blobs" => {
            let class = row % 3;
            let centre = [(0.0, 0.0), (3.0, 0.0), (0.0, 3.0)][class];
            let mut around = |middle: f64| middle + unit() + unit() + unit() - 1.5;
            (around(centre.0), around(centre.1), ["red", "green", "blue"][class].to_owned())
        }
        "plane" => {
            let (x, y) = (unit() * 10.0, unit() * 4.0 - 2.0);
            (x, y, (3.0 * x - 2.0 * y + 5.0 + 0.1 * (unit() - 0.5)).to_string())
        }
        _ => {
            let (x, y) = (unit() * 6.0 - 3.0, unit() * 6.0 - 3.0);
            (x, y, ((2.0 * x).sin() + 0.5 * y * y + 0.1 * (unit() - 0.5)).to_string())
        }
    }
}
