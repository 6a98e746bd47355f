//! The problems for programs in other languages: a line in, a line out.

use std::io::{BufRead as _, Write as _};

use trimtab_engine::Assignment;

use crate::problem::Problem;

/// Reads lines `SEED TRIAL FIDELITY VALUE...`, values in the order of the space, and answers each with `VALUE REGRET`: what such a training
/// reports, and how far the configuration is from the optimum without noise.
///
/// # Errors
/// What is wrong with a line.
pub(crate) fn serve(problem: Problem) -> Result<(), String> {
    let space = problem.space();
    let names: Vec<&str> = space.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    let mut answers = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let words: Vec<&str> = line.split(' ').collect();
        let [seed, trial, fidelity, values @ ..] = words.as_slice() else {
            return Err(format!("`{line}` is too short"));
        };
        let number = |text: &str| text.parse::<u32>().map_err(|_| format!("`{text}` is no number"));
        let x = Assignment::from_texts(&space, names.iter().copied().zip(values.iter().copied()))?;
        let value = problem.observe(&x, number(fidelity)?, number(seed)?.into(), number(trial)?);
        writeln!(answers, "{value} {}", problem.regret(&x)).map_err(|error| error.to_string())?;
        answers.flush().map_err(|error| error.to_string())?;
    }
    Ok(())
}
